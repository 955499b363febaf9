import CEventLoop

/// A system thread without Foundation. Where Foundation is imported too, write `Loop.Thread`.
package enum Thread {
    /// Starts a thread; `name` shows in `top -H`, 15 bytes of it. Throws when the machine has no room for one.
    package static func start(name: String, _ body: @escaping @Sendable () -> Void) throws(LoopError) -> ThreadHandle {
        let box = Unmanaged.passRetained(Body(body))
        var id: UInt = 0
        let error = outrider_thread_start(
            name, box.toOpaque(),
            { context in
                guard let context else { return nil }
                Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, &id)
        guard error == 0 else {
            box.release()
            throw LoopError("cannot start the thread \(name)", errno: -error)
        }
        return ThreadHandle(id: id)
    }

    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}

/// A thread that was started and has to be waited for, once.
package struct ThreadHandle: Sendable {
    let id: UInt

    /// Waits until the thread's body has returned.
    package func join() { _ = outrider_thread_join(id) }
}
