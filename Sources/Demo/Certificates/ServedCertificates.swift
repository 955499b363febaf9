import Foundation
import Glibc

/// Which certificates the proxies of a mesh hold, as their admin addresses tell it.
package struct ServedCertificates {
    /// What is read of `/certs`.
    private struct Report: Decodable {
        struct Context: Decodable {
            var state: String
            var certificates: [Certificate]
        }
        struct Certificate: Decodable { var sha256: String }
        var contexts: [Context]
    }

    private let layout: MeshLayout
    private let client: Client
    /// Their fingerprints.
    private let before: Set<String>

    /// Asks every proxy now.
    package init(of layout: MeshLayout) throws {
        self.layout = layout
        let client = try Client(waitSeconds: 2)
        self.client = client
        before = layout.admins.reduce(into: []) { all, admin in
            let contexts = Self.report(admin.address.description, client)?.contexts ?? []
            all.formUnion(contexts.flatMap(\.certificates).map(\.sha256))
        }
    }

    /// Returns when no proxy holds a certificate of before, or says which does.
    package func waitForNext(seconds: Double) throws {
        let deadline = Date(timeIntervalSinceNow: seconds)
        var waiting = layout.admins
        while true {
            waiting.removeAll { _, admin in
                guard let report = Self.report(admin.description, client) else { return false }
                return report.contexts.allSatisfy { context in
                    context.state == "serving" && !context.certificates.contains { before.contains($0.sha256) }
                }
            }
            if waiting.isEmpty { return }
            guard Date() < deadline else {
                throw DemoError(
                    "Not taken by \(waiting.map(\.proxy).joined(separator: ", ")); /certs on their admin addresses says why."
                )
            }
            usleep(20_000)
        }
    }

    private static func report(_ admin: String, _ client: Client) -> Report? {
        guard let response = try? client.send("GET", "http://\(admin)/certs"), response.status == 200 else {
            return nil
        }
        return try? JSONDecoder().decode(Report.self, from: Data(response.body))
    }
}
