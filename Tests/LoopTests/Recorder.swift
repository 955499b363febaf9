import Loop

/// A handler that writes down what it was called with, and does what a test tells it to.
final class Recorder: EventHandler {
    var events: [Events] = []
    var readyCalls = 0
    var deadlineCalls = 0
    var whenEvents: ((Recorder) -> Void)?
    var whenReady: ((Recorder) -> Void)?
    var whenDeadline: ((Recorder) -> Void)?
    var whenFreed: (() -> Void)?

    override init() { super.init() }
    deinit { whenFreed?() }

    override func onEvents(_ events: Events) {
        self.events.append(events)
        whenEvents?(self)
    }

    override func onReady() {
        readyCalls += 1
        whenReady?(self)
    }

    override func onDeadline() {
        deadlineCalls += 1
        whenDeadline?(self)
    }
}

/// Sends a short text.
@discardableResult
func sendText(_ text: String, to fd: Int32) -> Int {
    Array(text.utf8).withUnsafeBytes { Socket.send(fd, $0) }
}

/// Reads what is there, as text; nil when there is nothing.
func receiveText(_ fd: Int32, atMost count: Int = 1024) -> String? {
    var bytes = [UInt8](repeating: 0, count: count)
    let received = bytes.withUnsafeMutableBytes { Socket.receive(fd, into: $0) }
    return received < 0 ? nil : String(decoding: bytes[..<received], as: UTF8.self)
}

extension EventLoop {
    /// Turns until the condition holds. Gives up after many turns, so that a broken test fails instead of hanging.
    func turn(until condition: () -> Bool) {
        var left = 2000
        while left > 0, !condition() {
            turn(waitMilliseconds: 5)
            left -= 1
        }
    }
}
