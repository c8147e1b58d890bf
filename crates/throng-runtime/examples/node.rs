//! The smallest application: a node that runs a tree and stops it. Also what shows that a build with `panic = "abort"` is
//! refused.

use throng_runtime::{Node, Supervisor};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let node = Node::new("smallest");
    match node.start(Supervisor::one_for_one("tree")).await {
        Ok(_) => println!("started"),
        Err(error) => {
            eprintln!("error: {error}");
            std::process::exit(1);
        }
    }
}
