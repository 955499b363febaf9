import Foundation
import Glibc

/// Which generation each proxy of a mesh serves, as its admin address tells it.
package struct Generations {
    private let layout: MeshLayout
    private let client: Client?
    private let seen: [String: String]

    /// Asks every proxy now.
    package init(of layout: MeshLayout) {
        self.layout = layout
        client = try? Client(waitSeconds: 2)
        var seen: [String: String] = [:]
        for (proxy, admin) in layout.admins {
            seen[proxy] = (try? client?.send("GET", "http://\(admin)/generation"))?.text
        }
        self.seen = seen
    }

    /// Returns when each proxy serves another generation than it did, or says which does not.
    package func waitForOthers(seconds: Double) throws {
        let deadline = Date(timeIntervalSinceNow: seconds)
        var waiting = layout.admins
        while true {
            waiting.removeAll { proxy, admin in
                guard let now = try? client?.send("GET", "http://\(admin)/generation"), now.status == 200 else {
                    return false
                }
                return now.text != seen[proxy]
            }
            if waiting.isEmpty { return }
            guard Date() < deadline else {
                throw DemoError("Still on the old generation: \(waiting.map(\.proxy).joined(separator: ", ")).")
            }
            usleep(20_000)
        }
    }
}
