import Dispatch
import Synchronization

/// Does two things that have nothing in common at the same time, and waits for both.
func concurrently<First: Sendable, Second: Sendable>(
    _ first: @Sendable () -> First, _ second: @Sendable () -> Second
) -> (First, Second) {
    let one = Mutex<First?>(nil)
    let other = Mutex<Second?>(nil)
    DispatchQueue.concurrentPerform(iterations: 2) { half in
        if half == 0 {
            let result = first()
            one.withLock { $0 = result }
        } else {
            let result = second()
            other.withLock { $0 = result }
        }
    }
    guard let one = one.withLock({ $0 }), let other = other.withLock({ $0 }) else {
        preconditionFailure("each half runs once")
    }
    return (one, other)
}
