import Foundation
import Glibc
import Testing

/// The built `outrider` as a process of its own, with a directory of resources that the test edits. Seen from outside only:
/// sockets, admin, its log and how it ends.
final class ScenarioProxy {
    /// Everything of this run.
    let folder: String
    var config: String { "\(folder)/config" }
    let admin: UInt16
    private let process: ChildProcess

    /// The executable: `$OUTRIDER_BINARY`, or the one built beside the tests.
    static let binary: String = {
        if let path = ProcessInfo.processInfo.environment["OUTRIDER_BINARY"], !path.isEmpty { return path }
        let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().path
        let places = ["\(bundle)/outrider", "\(package)/.build/debug/outrider"]
        return places.first { access($0, X_OK) == 0 } ?? places[1]
    }()

    /// What is started.
    struct Program {
        var path = ScenarioProxy.binary
        /// What it has beyond the test's own environment, `NAME=value`.
        var environment: [String] = []
    }

    /// The release build: `$OUTRIDER_RELEASE_BINARY`, or the package's; nil where there is none.
    static let releaseBinary: String? = {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../..").standardized.path
        let named = ProcessInfo.processInfo.environment["OUTRIDER_RELEASE_BINARY"] ?? ""
        return [named, "\(package)/.build/release/outrider"].first { access($0, X_OK) == 0 }
    }()

    /// A new folder for a run.
    static func makeFolder() throws -> String {
        let folder = "/tmp/outrider-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: "\(folder)/config", withIntermediateDirectories: true)
        return folder
    }

    /// Writes the files and starts; waits until it is ready unless told otherwise.
    ///
    /// - Parameter folder: of an earlier run that this one goes on with.
    init(
        _ files: [String: String], admin: UInt16, folder: String? = nil, arguments: [String] = [],
        program: Program = Program(), waitsForReadiness: Bool = true
    ) throws {
        self.admin = admin
        self.folder = try folder ?? Self.makeFolder()
        let config = "\(self.folder)/config"
        for (name, text) in files { try text.write(toFile: "\(config)/\(name)", atomically: true, encoding: .utf8) }
        let own = ["run", "--config", config, "--state", "\(self.folder)/state", "--until-stdin-closes"]
        process = try ChildProcess(
            program.path, own + arguments, output: "\(self.folder)/output.log", errors: "\(self.folder)/errors.log",
            environment: program.environment)
        if waitsForReadiness { try waitUntilReady() }
    }

    deinit {
        // A process that dies takes a moment to say where.
        if log.contains("Fatal error") { try? waitUntil("it is dead") { process.exitStatus != nil } }
        let status = process.exitStatus
        let log = self.log
        let isHurt = ["Sanitizer", "Fatal error", "*** "].contains { log.contains($0) }
        if isHurt || (status ?? expectedStatus) != expectedStatus {
            Issue.record("outrider ended with \(status.map { "\($0)" } ?? "nothing yet"): \(log.suffix(6000))")
        }
        signal(SIGKILL)
        if !keepsFolder { try? FileManager.default.removeItem(atPath: folder) }
    }

    /// What it must have ended with, if it has ended.
    var expectedStatus: Int32 = 0

    /// Leaves the folder for a later run.
    var keepsFolder = false

    func waitUntilReady() throws {
        do {
            try waitUntil("outrider is ready") {
                if let status = process.exitStatus { throw ScenarioError("outrider ended with \(status)") }
                return (try? ask("/ready").status) == 200
            }
        } catch { throw ScenarioError("\(error); its log: \(log.suffix(3000))") }
    }

    // MARK: - The process

    /// What it wrote to standard error.
    var log: String { (try? String(contentsOfFile: "\(folder)/errors.log", encoding: .utf8)) ?? "" }
    /// What it wrote to standard output.
    var output: String { (try? String(contentsOfFile: "\(folder)/output.log", encoding: .utf8)) ?? "" }
    var isRunning: Bool { process.exitStatus == nil }

    func signal(_ number: Int32) { process.signal(number) }

    /// Waits for its end and gives the exit status.
    func end() throws -> Int32 {
        try waitUntil("outrider ends") { process.exitStatus != nil }
        return process.exitStatus ?? -1
    }

    /// Waits for a line in its log.
    func waitForLog(_ text: String) throws {
        do { try waitUntil("the log says \(text)", seconds: 30) { log.contains(text) } } catch {
            throw ScenarioError("\(error); it says: \(log.suffix(3000))")
        }
    }

    // MARK: - Files

    /// Writes a file as editors do: whole, under another name, renamed.
    func write(_ name: String, _ text: String) throws {
        try text.write(toFile: "\(folder)/\(name).new", atomically: false, encoding: .utf8)
        guard rename("\(folder)/\(name).new", "\(config)/\(name)") == 0 else {
            throw ScenarioError("cannot rename \(name)")
        }
    }

    /// Writes a file and waits until every worker has the generation that it makes.
    func apply(_ name: String, _ text: String) throws {
        let before = try generation()
        try write(name, text)
        try waitForGeneration(after: before)
    }

    /// Writes a file and waits until it was looked at, whether it makes a generation or not.
    func show(_ name: String, _ text: String) throws {
        let before = try looks()
        try write(name, text)
        try waitUntil("the directory is looked at") { try looks() > before }
    }

    func remove(_ name: String) throws {
        let before = try generation()
        unlink("\(config)/\(name)")
        try waitForGeneration(after: before)
    }

    func waitForGeneration(after number: Int) throws {
        do {
            try waitUntil("a generation after \(number)") {
                let report = try report()
                return (report["generation"] as? Int ?? 0) > number && report["applied"] as? Bool == true
            }
        } catch { throw ScenarioError("\(error); the log: \(log.suffix(3000))") }
    }
}

// MARK: - Admin

extension ScenarioProxy {
    func ask(_ path: String, method: String = "GET") throws -> RawClient.Answer {
        try RawClient(port: admin).get(path, host: "localhost", fields: ["Connection: close"], method: method)
    }

    /// `/generation`.
    func report() throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(try ask("/generation").message.body))
        return object as? [String: Any] ?? [:]
    }

    func generation() throws -> Int { try report()["generation"] as? Int ?? 0 }
    func looks() throws -> Int { try report()["looks"] as? Int ?? 0 }

    /// The sum of a metric's series that have all of these labels.
    func metric(_ name: String, _ labels: [String: String] = [:]) throws -> Int {
        let wanted = labels.map { "\($0.key)=\"\($0.value)\"" }
        return try ask("/stats/prometheus").text.split(separator: "\n").reduce(0) { sum, line in
            guard line.hasPrefix("\(name){"), wanted.allSatisfy({ line.contains($0) }) else { return sum }
            return sum + (line.split(separator: " ").last.flatMap { Int($0) } ?? 0)
        }
    }

    /// Waits until a metric has this value: a request is counted just behind the last byte of its answer.
    func waitForMetric(_ name: String, _ labels: [String: String], _ value: Int) throws {
        do { try waitUntil("\(name) is \(value)", seconds: 20) { try metric(name, labels) == value } } catch {
            let lines = try ask("/stats/prometheus").text.split(separator: "\n").filter { $0.hasPrefix(name) }
            throw ScenarioError("\(error); there is: \(lines.prefix(20).joined(separator: "; "))")
        }
    }

    /// A fact of an endpoint in `/clusters`; nil when the endpoint or the fact is not there.
    func fact(_ key: String, of port: UInt16) throws -> String? {
        let marker = "::127.0.0.1:\(port)::\(key)::"
        for line in try ask("/clusters").text.split(separator: "\n") {
            if let range = line.range(of: marker) { return String(line[range.upperBound...]) }
        }
        return nil
    }
}
