import Foundation
import Glibc

/// Debian's python with a script of `Peers/`: servers that end with the test, and clients that print what they saw.
enum Peer {
    /// The system's own python, since another one on the path lacks its packages.
    static let python = "/usr/bin/python3"
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Peers").path

    static let hasHTTP2 = has("h2")
    static let hasGRPC = has("grpc")
    static let hasWebSockets = has("websockets")

    private static func has(_ module: String) -> Bool {
        access(python, X_OK) == 0
            && (try? ChildProcess.run(python, ["-c", "import \(module)"]))?.status == 0
    }

    /// Starts a script that goes on until the test ends.
    static func start(_ script: String, _ arguments: [String], folder: String) throws -> ChildProcess {
        let output = "\(folder)/\(script).log"
        return try ChildProcess(python, ["-B", "\(Self.folder)/\(script)"] + arguments, output: output, errors: output)
    }

    /// Runs a script to its end and gives what it printed.
    static func run(_ script: String, _ arguments: [String], seconds: Int = 120) throws -> String {
        let result = try ChildProcess.run(python, ["-B", "\(folder)/\(script)"] + arguments, seconds: seconds)
        guard let result, result.status == 0 else {
            throw ScenarioError("\(script) ended with \(result?.status ?? -1): \(result?.text.suffix(3000) ?? "")")
        }
        return result.text
    }
}

/// `Peers/origin.py`: an origin that speaks every protocol and writes down what it sees.
final class PeerOrigin {
    let plain: UInt16
    let tlsHTTP1: UInt16
    let tlsHTTP2: UInt16
    private let folder: String
    private let process: ChildProcess

    init(name: String = "origin", _ options: [String] = []) throws {
        folder = try ScenarioProxy.makeFolder()
        plain = try TestSocket.freePort()
        tlsHTTP1 = try TestSocket.freePort()
        tlsHTTP2 = try TestSocket.freePort()
        var arguments = ["--plain", "\(plain)", "--record", "\(folder)/record", "--name", name] + options
        if Certificates.isPossible {
            let certificates = try Certificates.get()
            arguments += [
                "--tls-h1", "\(tlsHTTP1)", "--tls-h2", "\(tlsHTTP2)", "--cert", certificates.chain("origin"), "--key",
                certificates.key("origin"),
            ]
        }
        process = try Peer.start("origin.py", arguments, folder: folder)
        do { try waitUntil("the origin is ready") { events.contains { $0["event"] as? String == "ready" } } } catch {
            throw ScenarioError("\(error): \((try? String(contentsOfFile: "\(folder)/origin.py.log", encoding: .utf8)) ?? "")")
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// What it wrote down, in order.
    var events: [[String: Any]] {
        let text = (try? String(contentsOfFile: "\(folder)/record", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap {
            (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any]
        }
    }

    func events(_ kind: String, path: String? = nil) -> [[String: Any]] {
        events.filter { $0["event"] as? String == kind && (path == nil || $0["path"] as? String == path) }
    }
}

/// `Peers/client.py`: requests as the test lists them, over any protocol.
struct PeerClient {
    /// An answer, or what came instead.
    struct Answer: CustomStringConvertible {
        var how: String
        var status: Int
        var fields: [[String]]
        var text: String
        var length: Int
        var hash: String
        var trailers: [[String]]
        /// What the origin says that it saw, of `/reflect`.
        var seen: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any] ?? [:]
        }

        init(_ object: [String: Any]) {
            how = object["how"] as? String ?? "?"
            status = object["status"] as? Int ?? 0
            fields = object["fields"] as? [[String]] ?? []
            text = object["text"] as? String ?? ""
            length = object["length"] as? Int ?? 0
            hash = object["hash"] as? String ?? ""
            trailers = object["trailers"] as? [[String]] ?? []
        }

        var isComplete: Bool { how == "complete" }
        func field(_ name: String) -> String? { fields.first { $0[0] == name }?[1] }
        var description: String { "\(how) \(status) \(fields) \(text.prefix(400)) \(trailers)" }
    }

    struct Result {
        var answers: [Answer]
        /// Last stream and code of each GOAWAY.
        var goAways: [[Int]]
    }

    /// Runs connections at the same time, each of which makes its requests one after another, or all at once.
    static func run(_ connections: [[String: Any]]) throws -> [Result] {
        let script = "/tmp/outrider-script-\(UUID().uuidString.prefix(8))"
        defer { unlink(script) }
        try JSONSerialization.data(withJSONObject: connections).write(to: URL(fileURLWithPath: script))
        let text = try Peer.run("client.py", [script])
        let results = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]] ?? []
        return results.map { result in
            Result(
                answers: (result["answers"] as? [[String: Any]] ?? []).map(Answer.init),
                goAways: result["goaways"] as? [[Int]] ?? [])
        }
    }
}
