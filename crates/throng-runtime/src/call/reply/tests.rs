use std::task::Waker;

use super::*;

fn poll<R>(waiting: &mut Waiting<R>) -> Poll<Result<R, CallFailure>> {
    Pin::new(waiting).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn p29_an_answer_that_comes_between_the_last_look_and_giving_up_is_given() {
    let (cell, mut waiting) = ReplyCell::alone();
    assert!(poll(&mut waiting).is_pending());
    cell.settle(Ok(1)).unwrap();
    assert!(matches!(waiting.give_up(), Some(Ok(1))));
}

#[test]
fn p29_an_answer_that_comes_after_giving_up_is_handed_back() {
    let (cell, mut waiting) = ReplyCell::alone();
    assert!(poll(&mut waiting).is_pending());
    assert!(waiting.give_up().is_none());
    assert!(!cell.is_open());
    assert!(matches!(cell.settle(Ok(1)), Err(Ok(1))));
}

#[test]
fn p30_of_two_answers_the_second_is_handed_back() {
    let (cell, mut waiting) = ReplyCell::alone();
    cell.settle(Ok(1)).unwrap();
    assert!(matches!(cell.settle(Ok(2)), Err(Ok(2))));
    cell.abandon(CallFailure::ReplyDropped);
    assert!(matches!(poll(&mut waiting), Poll::Ready(Ok(1))));
}

#[test]
fn x4_an_answer_that_nobody_took_is_dropped_with_the_wait() {
    let (cell, waiting) = ReplyCell::alone();
    let answer = Arc::new(());
    cell.settle(Ok(answer.clone())).unwrap();
    drop(waiting);
    assert_eq!(Arc::strong_count(&answer), 1);
}
