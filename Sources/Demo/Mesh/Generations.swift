import Foundation
import Glibc

/// Which configuration each proxy of a mesh serves, as its admin address tells it.
package struct Generations {
    /// What is read of `/generation`.
    private struct Report: Decodable {
        /// How often the proxy looked at the directory.
        var looks: Int
        /// Whether all its workers have what the last look gave.
        var applied: Bool
    }

    private let layout: MeshLayout
    private let client: Client
    private let looks: [String: Int]

    /// Asks every proxy now.
    package init(of layout: MeshLayout) throws {
        self.layout = layout
        let client = try Client(waitSeconds: 2)
        self.client = client
        looks = layout.admins.reduce(into: [:]) { $0[$1.proxy] = Self.report($1.address.description, client)?.looks }
    }

    /// Returns when each proxy has looked again and serves what it found, or says which does not.
    package func waitForNext(seconds: Double) throws {
        let deadline = Date(timeIntervalSinceNow: seconds)
        var waiting = layout.admins
        while true {
            waiting.removeAll { proxy, admin in
                guard let report = Self.report(admin.description, client) else { return false }
                return report.applied && report.looks > looks[proxy] ?? 0
            }
            if waiting.isEmpty { return }
            guard Date() < deadline else {
                throw DemoError("Not applied by \(waiting.map(\.proxy).joined(separator: ", ")); their logs say why.")
            }
            usleep(20_000)
        }
    }

    private static func report(_ admin: String, _ client: Client) -> Report? {
        guard let response = try? client.send("GET", "http://\(admin)/generation"), response.status == 200 else {
            return nil
        }
        return try? JSONDecoder().decode(Report.self, from: Data(response.body))
    }
}
