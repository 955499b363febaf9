import Foundation
import Synchronization

/// Clients that ask without a pause, each on its own kept-alive connection, and count what they are told.
final class Crowd: Sendable {
    struct Tally: Sendable {
        /// How many answers had this body, of those with status 200.
        var bodies: [String: Int] = [:]
        var statuses: [Int: Int] = [:]
        /// Requests without a whole answer.
        var failures: [String] = []
        var answers: Int { statuses.values.reduce(0, +) }
        /// Answers that are not 200, and requests without one.
        var losses: Int { answers - (statuses[200] ?? 0) + failures.count }
    }

    private struct State {
        var tally = Tally()
        var isStopping = false
        var left: Int
        var running: Int
    }

    private let port: UInt16
    private let request: @Sendable (Int) -> String
    private let state: Mutex<State>

    /// Starts the clients. They stop after so many requests all together, or when told.
    init(
        port: UInt16, clients: Int = 4, requests: Int = .max,
        request: @escaping @Sendable (Int) -> String = Crowd.get("/")
    ) {
        self.port = port
        self.request = request
        state = Mutex(State(left: requests, running: clients))
        for client in 0..<clients { Thread.detachNewThread { [self] in run(client) } }
    }

    static func get(_ target: String, host: String = "shop.example") -> @Sendable (Int) -> String {
        { _ in "GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n" }
    }

    /// What was counted so far.
    var tally: Tally { state.withLock { $0.tally } }

    /// Forgets what was counted so far.
    func restartTally() { state.withLock { $0.tally = Tally() } }

    /// Ends after the requests under way, and gives the tally.
    @discardableResult
    func stop() throws -> Tally {
        state.withLock { $0.isStopping = true }
        return try finish()
    }

    /// Waits until all requests are made.
    func finish() throws -> Tally {
        try waitUntil("the crowd is done", seconds: 120) { state.withLock { $0.running == 0 } }
        return tally
    }

    /// Waits for so many more answers.
    func waitForAnswers(_ count: Int) throws {
        let before = tally.answers
        try waitUntil("\(count) more answers") { tally.answers >= before + count }
    }

    private func run(_ number: Int) {
        var client: RawClient?
        var round = 0
        while take() {
            if client == nil { client = try? RawClient(port: port) }
            guard let open = client else {
                note { $0.failures.append("refused") }
                usleep(2_000)
                continue
            }
            round += 1
            let text = request(round)
            open.send(text)
            guard let answer = open.answer(toHead: text.hasPrefix("HEAD ")), answer.isWhole else {
                note { $0.failures.append("no whole answer") }
                client = nil
                continue
            }
            note { tally in
                tally.statuses[answer.status, default: 0] += 1
                if answer.status == 200 { tally.bodies[answer.text, default: 0] += 1 }
            }
            if answer.field("connection")?.lowercased() == "close" { client = nil }
        }
        state.withLock { $0.running -= 1 }
    }

    private func take() -> Bool {
        state.withLock { state in
            if state.isStopping || state.left == 0 { return false }
            state.left -= 1
            return true
        }
    }

    private func note(_ change: (inout Tally) -> Void) { state.withLock { change(&$0.tally) } }
}

/// Whether `count` of `total` is what chance may give for this share, but for one case in a million.
func isLikely(_ count: Int, of total: Int, share: Double) -> Bool {
    let expected = Double(total) * share
    return abs(Double(count) - expected) <= 4.9 * (expected * (1 - share)).squareRoot() + 1
}
