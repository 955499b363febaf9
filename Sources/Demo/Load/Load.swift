import Foundation
import Wire

/// Five clients that ask for the page as fast as they get it: siege where it is installed, else threads of our own.
package enum Load {
    /// What the clients saw.
    package struct Report: Sendable {
        package var requests = 0
        package var failures = 0
        /// `siege -c 5`, or what took its place.
        package var tool = ""

        package var availability: Double {
            requests + failures == 0 ? 0 : 100 * Double(requests) / Double(requests + failures)
        }
    }

    package static let clients = 5

    /// Asks for `urls` in turn for `seconds`.
    package static func run(_ urls: [String], seconds: Int) throws -> Report {
        if let siege = Program.path(of: "siege") { return try runSiege(siege, urls, seconds) }
        return try runOwn(urls, seconds)
    }

    // MARK: - siege

    private static func runSiege(_ siege: String, _ urls: [String], _ seconds: Int) throws -> Report {
        let folder = NSTemporaryDirectory() + "outrider-siege-\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // Settings of our own: nothing of the user's is read or written.
        try
            "verbose = false\nlogging = false\nconnection = keep-alive\nprotocol = HTTP/1.1\njson_output = true\nparser = false\n"
            .write(toFile: "\(folder)/siegerc", atomically: false, encoding: .utf8)
        try (urls.joined(separator: "\n") + "\n").write(toFile: "\(folder)/urls", atomically: false, encoding: .utf8)

        let process = Process()
        process.executableURL = URL(fileURLWithPath: siege)
        process.arguments = [
            "-R", "\(folder)/siegerc", "-c", "\(clients)", "-t", "\(seconds)S", "-b", "-f", "\(folder)/urls",
        ]
        process.environment = ["HOME": folder, "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard let requests = number("transactions", in: text) ?? number("successful_transactions", in: text) else {
            throw DemoError("siege gave no report: \(text.suffix(400))")
        }
        return Report(
            requests: requests, failures: number("failed_transactions", in: text) ?? 0, tool: "siege -c \(clients)")
    }

    private static func number(_ key: String, in text: String) -> Int? {
        guard let found = text.range(of: "\"\(key)\":") else { return nil }
        return Int(text[found.upperBound...].drop { $0 == " " || $0 == "\t" }.prefix { $0.isNumber })
    }

    // MARK: - Our own

    private static func runOwn(_ urls: [String], _ seconds: Int) throws -> Report {
        let client = try Client()
        let lock = NSLock()
        nonisolated(unsafe) var report = Report(tool: "\(clients) clients of its own; siege is not installed")
        let end = Date(timeIntervalSinceNow: Double(seconds))
        DispatchQueue.concurrentPerform(iterations: clients) { number in
            var turn = number
            var (good, bad) = (0, 0)
            while Date() < end {
                let response = try? client.send("GET", urls[turn % urls.count])
                if response?.status == 200 { good += 1 } else { bad += 1 }
                turn += 1
            }
            lock.withLock {
                report.requests += good
                report.failures += bad
            }
        }
        return report
    }
}
