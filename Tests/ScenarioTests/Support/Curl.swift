import Foundation

/// curl, with what a scenario wants to know of its answer.
struct Curl {
    static let isThere = ChildProcess.path(of: "curl") != nil
    static let hasHTTP2 = (try? ChildProcess.run("curl", ["--version"]))?.text.contains("HTTP2") == true

    /// curl's own exit status: 0 is an answer.
    var exit: Int32
    var status: Int
    /// `1.1` or `2`.
    var version: String
    var text: String

    /// Asks for a URL whose host leads to this port of the loopback.
    static func get(_ url: String, port: UInt16, _ options: [String] = []) throws -> Curl {
        let own = [
            "-sS", "--noproxy", "*", "--max-time", "30", "--connect-to", "::127.0.0.1:\(port)", "-w",
            "\n%{http_code} %{http_version}",
        ]
        guard let result = try ChildProcess.run("curl", own + options + [url]) else { throw ScenarioError("no curl") }
        let lines = result.text.split(separator: "\n", omittingEmptySubsequences: false)
        let last = (lines.last ?? "").split(separator: " ")
        return Curl(
            exit: result.status, status: last.first.flatMap { Int($0) } ?? 0, version: last.last.map(String.init) ?? "",
            text: lines.dropLast().joined(separator: "\n"))
    }
}

/// `openssl s_client`, which says what was agreed on.
enum SClient {
    /// Connects, sends a text, and gives all that it printed. It ends when the server closes.
    static func run(port: UInt16, _ options: [String], sending text: String = "") throws -> String {
        let folder = try ScenarioProxy.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try text.write(toFile: "\(folder)/input", atomically: true, encoding: .utf8)
        // The program's input is a file, so that it ends.
        let words = ["s_client", "-connect", "127.0.0.1:\(port)"] + options
        let line = "exec openssl " + words.map { "'\($0)'" }.joined(separator: " ") + " < \(folder)/input"
        guard let result = try ChildProcess.run("sh", ["-c", line]) else { throw ScenarioError("no sh") }
        return result.text
    }
}
