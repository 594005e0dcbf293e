//! The options of a UDP socket: each is one call to the system, so none of them waits.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::UdpSocket;
use super::methods::options;

options! {
    UdpSocket, "# let ours = samovar::net::UdpSocket::bind(\"127.0.0.1:0\").await?;";
    broadcast, set_broadcast: bool = true, "whether it may send to broadcast addresses (`SO_BROADCAST`)";
    ttl, set_ttl: u32 = 100, "the time to live of its packets (`IP_TTL`), in hops";
    multicast_loop_v4, set_multicast_loop_v4: bool = false,
        "whether this machine receives its own IPv4 multicasts (`IP_MULTICAST_LOOP`)";
    multicast_ttl_v4, set_multicast_ttl_v4: u32 = 3, "the time to live of its IPv4 multicasts (`IP_MULTICAST_TTL`), in hops";
}

impl UdpSocket {
    /// Whether this machine receives its own IPv6 multicasts (`IPV6_MULTICAST_LOOP`).
    ///
    /// # Errors
    ///
    /// When the system does not tell it.
    ///
    /// ```
    /// # use samovar::net::UdpSocket;
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # // A machine may have no IPv6.
    /// # if UdpSocket::bind("[::1]:0").await.is_err() { return std::io::Result::Ok(()); }
    /// let socket = UdpSocket::bind("[::1]:0").await?;
    /// assert!(socket.multicast_loop_v6()?); // so it begins
    /// socket.set_multicast_loop_v6(false)?;
    /// assert!(!socket.multicast_loop_v6()?);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn multicast_loop_v6(&self) -> io::Result<bool> {
        self.io.get().multicast_loop_v6()
    }

    /// Sets whether this machine receives its own IPv6 multicasts (`IPV6_MULTICAST_LOOP`).
    ///
    /// # Errors
    ///
    /// When the system refuses it.
    ///
    /// ```
    /// # use samovar::net::UdpSocket;
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # // A machine may have no IPv6.
    /// # if UdpSocket::bind("[::1]:0").await.is_err() { return std::io::Result::Ok(()); }
    /// let socket = UdpSocket::bind("[::1]:0").await?;
    /// socket.set_multicast_loop_v6(false)?;
    /// assert!(!socket.multicast_loop_v6()?);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn set_multicast_loop_v6(&self, on: bool) -> io::Result<()> {
        self.io.get().set_multicast_loop_v6(on)
    }

    /// Joins an IPv4 multicast group, on the interface with that address; `0.0.0.0` lets the system choose one.
    ///
    /// # Errors
    ///
    /// When `group` is no multicast address, or there is no such interface.
    ///
    /// ```no_run
    /// use samovar::net::UdpSocket;
    /// use std::net::Ipv4Addr;
    ///
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let socket = UdpSocket::bind("0.0.0.0:5353").await?;
    /// socket.join_multicast_v4(Ipv4Addr::new(224, 0, 0, 251), Ipv4Addr::UNSPECIFIED)?;
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn join_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.io.get().join_multicast_v4(&group, &interface)
    }

    /// Leaves an IPv4 multicast group.
    ///
    /// # Errors
    ///
    /// When it is not in the group.
    ///
    /// ```
    /// # use samovar::net::UdpSocket;
    /// # use std::net::Ipv4Addr;
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// let group = Ipv4Addr::new(224, 0, 0, 251);
    /// socket.join_multicast_v4(group, Ipv4Addr::LOCALHOST)?;
    /// socket.leave_multicast_v4(group, Ipv4Addr::LOCALHOST)?;
    /// assert!(socket.leave_multicast_v4(group, Ipv4Addr::LOCALHOST).is_err()); // it has left
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn leave_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.io.get().leave_multicast_v4(&group, &interface)
    }

    /// Joins an IPv6 multicast group, on the interface with that index; 0 lets the system choose one.
    ///
    /// # Errors
    ///
    /// When `group` is no multicast address, or there is no such interface.
    ///
    /// ```
    /// # use samovar::net::UdpSocket;
    /// # use std::net::Ipv6Addr;
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # // A machine may have no IPv6.
    /// # if UdpSocket::bind("[::1]:0").await.is_err() { return std::io::Result::Ok(()); }
    /// let socket = UdpSocket::bind("[::1]:0").await?;
    /// let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
    /// socket.join_multicast_v6(&group, 1)?; // 1 is the loopback interface, nearly everywhere
    /// assert!(socket.join_multicast_v6(&group, 1).is_err()); // it has joined already
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.io.get().join_multicast_v6(group, interface)
    }

    /// Leaves an IPv6 multicast group.
    ///
    /// # Errors
    ///
    /// When it is not in the group.
    ///
    /// ```
    /// # use samovar::net::UdpSocket;
    /// # use std::net::Ipv6Addr;
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # // A machine may have no IPv6.
    /// # if UdpSocket::bind("[::1]:0").await.is_err() { return std::io::Result::Ok(()); }
    /// let socket = UdpSocket::bind("[::1]:0").await?;
    /// let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
    /// socket.join_multicast_v6(&group, 1)?;
    /// socket.leave_multicast_v6(&group, 1)?;
    /// assert!(socket.leave_multicast_v6(&group, 1).is_err()); // it has left
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.io.get().leave_multicast_v6(group, interface)
    }
}
