//! The process dictionary.

use std::sync::Arc;

use throng_runtime::{Exit, Node, dictionary, dictionary::OutsideProcess};

use crate::probe::{Probe, end, within};

#[derive(Debug, PartialEq)]
struct RequestId(u64);

struct Cache(Arc<()>);

#[tokio::test]
async fn p35_a_value_is_kept_by_its_type_for_its_process_alone() {
    let node = Node::new("test");
    let (probe, _p) = Probe::start(&node).await;
    let (other, _o) = Probe::start(&node).await;
    within(probe, |_| {
        assert_eq!(dictionary::put(RequestId(1)), Ok(None));
        assert_eq!(dictionary::put(RequestId(2)), Ok(Some(Arc::new(RequestId(1)))));
        assert_eq!(dictionary::put(7_u64), Ok(None));
    })
    .await;
    assert_eq!(within(other, |_| dictionary::get::<RequestId>()).await, None);
    within(probe, |_| {
        assert_eq!(dictionary::get::<RequestId>().as_deref(), Some(&RequestId(2)));
        assert_eq!(dictionary::erase::<RequestId>().as_deref(), Some(&RequestId(2)));
        assert_eq!(dictionary::erase::<RequestId>(), None);
        assert_eq!(dictionary::get::<u64>().as_deref(), Some(&7));
    })
    .await;
}

#[tokio::test]
async fn p35_outside_of_a_process_there_is_no_dictionary() {
    assert_eq!(dictionary::put(RequestId(1)), Err(OutsideProcess));
    assert_eq!(dictionary::get::<RequestId>(), None);
    assert_eq!(dictionary::erase::<RequestId>(), None);
}

#[tokio::test]
async fn p35_observers_see_the_types_that_are_in_it() {
    let node = Node::new("test");
    let (probe, _p) = Probe::start(&node).await;
    assert!(node.process_info(probe).unwrap().dictionary.is_empty());
    within(probe, |_| dictionary::put(RequestId(1))).await.unwrap();
    assert_eq!(node.process_info(probe).unwrap().dictionary, [std::any::type_name::<RequestId>()]);
}

#[tokio::test]
async fn p35_it_is_gone_before_the_end_of_its_process_is_told() {
    let node = Node::new("test");
    let alive = Arc::new(());
    let (probe, _p) = Probe::start(&node).await;
    let cache = Cache(alive.clone());
    within(probe, |_| dictionary::put(cache).map(|_| ())).await.unwrap();
    assert_eq!(
        within(probe, |_| dictionary::get::<Cache>().map(|cache| Arc::strong_count(&cache.0))).await,
        Some(2)
    );
    end(&node, probe, Exit::Normal).await;
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[tokio::test]
async fn p35_a_value_that_panics_when_it_is_dropped_ends_nothing_but_itself() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("boom");
        }
    }
    let node = Node::new("test");
    let (probe, _p) = Probe::start(&node).await;
    let survivor = Arc::new(());
    let cache = Cache(survivor.clone());
    within(probe, |_| {
        dictionary::put(Bomb).unwrap();
        dictionary::put(cache).map(|_| ())
    })
    .await
    .unwrap();
    end(&node, probe, Exit::Normal).await;
    assert_eq!(Arc::strong_count(&survivor), 1, "the other values went too");
}
