//! Deadlines that read what has arrived before they strike.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

use tokio::{
    task::yield_now,
    time::{Instant, timeout_at},
};

/// The turns of the runtime after a deadline in which a future may still end. Each looks at the sockets, and a reply takes
/// one from the socket to its connection, one from there to its request, and one for each chunk.
const TURNS: u32 = 8;

/// The same for a deadline around others, which leaves them theirs.
const OUTER_TURNS: u32 = 4 * TURNS;

/// Waits for a future until a deadline; `None` if it strikes.
///
/// After a stop of the process (a suspended machine, SIGSTOP) every deadline has passed, although a reply may lie in the
/// socket.
pub async fn until<F: Future>(deadline: Instant, future: Pin<&mut F>) -> Option<F::Output> {
    for_turns(TURNS, deadline, future).await
}

/// Waits like [`until`], around futures that wait with it.
pub async fn until_around<F: Future>(deadline: Instant, future: Pin<&mut F>) -> Option<F::Output> {
    for_turns(OUTER_TURNS, deadline, future).await
}

async fn for_turns<F: Future>(turns: u32, deadline: Instant, mut future: Pin<&mut F>) -> Option<F::Output> {
    if let Ok(output) = timeout_at(deadline, future.as_mut()).await {
        return Some(output);
    }
    for _ in 0..turns {
        yield_now().await;
        let polled = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, time::Duration};

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
        time::Instant,
    };

    use super::{until, until_around};

    #[tokio::test]
    async fn bytes_in_the_socket_are_read_after_the_deadline_has_passed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        let mut byte = [0];
        let past = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
        assert!(until(past, pin!(near.read_exact(&mut byte))).await.is_none());
        far.write_all(b"x").await.unwrap();
        assert!(until(past, pin!(near.read_exact(&mut byte))).await.is_some());
    }

    #[tokio::test]
    async fn an_inner_deadline_strikes_before_the_one_around_it() {
        let past = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
        let inner = async { until(past, pin!(std::future::pending::<()>())).await.is_none() };
        assert_eq!(until_around(past, pin!(inner)).await, Some(true));
    }
}
