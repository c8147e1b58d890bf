use std::rc::Rc;

use throng::prelude::*;

async fn add(total: Pid<Agent<u64>>, more: Rc<u64>) {
    let _ = Agent::update(&total, move |total| *total += *more).await;
}

fn main() {}
