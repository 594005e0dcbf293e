//! The options of a UDP socket: each is one call to the system.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::UdpSocket;
use super::methods::time_to_live;

time_to_live!(
    UdpSocket,
    "# let ours = samovar::net::UdpSocket::bind(\"127.0.0.1:0\").await?;"
);

impl UdpSocket {
    /// Whether it may send to broadcast addresses (`SO_BROADCAST`).
    ///
    /// # Errors
    ///
    /// When the system does not tell it.
    pub fn broadcast(&self) -> io::Result<bool> {
        self.io.get().broadcast()
    }

    /// Sets whether it may send to broadcast addresses (`SO_BROADCAST`).
    ///
    /// # Errors
    ///
    /// When the system refuses it.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let socket = samovar::net::UdpSocket::bind("127.0.0.1:0").await?;
    /// socket.set_broadcast(true)?;
    /// assert!(socket.broadcast()?);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn set_broadcast(&self, on: bool) -> io::Result<()> {
        self.io.get().set_broadcast(on)
    }

    /// Whether this machine receives its own IPv4 multicasts (`IP_MULTICAST_LOOP`).
    ///
    /// # Errors
    ///
    /// When the system does not tell it.
    pub fn multicast_loop_v4(&self) -> io::Result<bool> {
        self.io.get().multicast_loop_v4()
    }

    /// Sets whether this machine receives its own IPv4 multicasts (`IP_MULTICAST_LOOP`).
    ///
    /// # Errors
    ///
    /// When the system refuses it.
    pub fn set_multicast_loop_v4(&self, on: bool) -> io::Result<()> {
        self.io.get().set_multicast_loop_v4(on)
    }

    /// The time to live of its IPv4 multicasts (`IP_MULTICAST_TTL`), in hops.
    ///
    /// # Errors
    ///
    /// When the system does not tell it.
    pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
        self.io.get().multicast_ttl_v4()
    }

    /// Sets the time to live of its IPv4 multicasts (`IP_MULTICAST_TTL`), in hops.
    ///
    /// # Errors
    ///
    /// When the system refuses it.
    pub fn set_multicast_ttl_v4(&self, ttl: u32) -> io::Result<()> {
        self.io.get().set_multicast_ttl_v4(ttl)
    }

    /// Whether this machine receives its own IPv6 multicasts (`IPV6_MULTICAST_LOOP`).
    ///
    /// # Errors
    ///
    /// When the system does not tell it.
    pub fn multicast_loop_v6(&self) -> io::Result<bool> {
        self.io.get().multicast_loop_v6()
    }

    /// Sets whether this machine receives its own IPv6 multicasts (`IPV6_MULTICAST_LOOP`).
    ///
    /// # Errors
    ///
    /// When the system refuses it.
    pub fn set_multicast_loop_v6(&self, on: bool) -> io::Result<()> {
        self.io.get().set_multicast_loop_v6(on)
    }

    /// Joins an IPv4 multicast group, on the interface with that address; `0.0.0.0` lets the system choose one.
    ///
    /// # Errors
    ///
    /// When `group` is no multicast address, or there is no such interface.
    pub fn join_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.io.get().join_multicast_v4(&group, &interface)
    }

    /// Leaves an IPv4 multicast group.
    ///
    /// # Errors
    ///
    /// When it is not in the group.
    pub fn leave_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.io.get().leave_multicast_v4(&group, &interface)
    }

    /// Joins an IPv6 multicast group, on the interface with that index; 0 lets the system choose one.
    ///
    /// # Errors
    ///
    /// When `group` is no multicast address, or there is no such interface.
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.io.get().join_multicast_v6(group, interface)
    }

    /// Leaves an IPv6 multicast group.
    ///
    /// # Errors
    ///
    /// When it is not in the group.
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.io.get().leave_multicast_v6(group, interface)
    }
}
