//! `futures::task::Spawn` for `Handle`.

mod eco_support;

use eco_support::watchdog;
use futures::task::{Spawn, SpawnExt};
use samovar::runtime::Runtime;

#[test]
fn futures_spawn_ext_runs_on_a_handle() {
    watchdog(|| {
        let runtime = Runtime::new().unwrap();
        let spawner: &dyn Spawn = runtime.handle();
        let (tell, told) = futures::channel::oneshot::channel();
        spawner
            .spawn(async move { tell.send(samovar::task::try_id().is_some()).unwrap() })
            .unwrap();
        let output = runtime.handle().spawn_with_handle(async { 95 }).unwrap();
        assert!(runtime.block_on(told).unwrap(), "it runs as a task");
        assert_eq!(runtime.block_on(output), 95);
    });
}

#[test]
fn a_runtime_that_is_gone_says_so() {
    watchdog(|| {
        let runtime = Runtime::new().unwrap();
        let handle = runtime.handle().clone();
        assert!(handle.status().is_ok());
        drop(runtime);
        assert!(handle.status().unwrap_err().is_shutdown());
        assert!(
            handle.spawn(async {}).is_finished(),
            "the inherent one cancels"
        );
        assert!(
            SpawnExt::spawn(&handle, async {})
                .unwrap_err()
                .is_shutdown()
        );
    });
}
