import Foundation
import Glibc

/// The demo's own copy of a configuration, which scenarios and people edit while it runs, and the note that tells later
/// commands where it is.
package struct RunningDirectory: Codable, Sendable {
    /// The process that keeps the demo up.
    package var pid: Int32
    /// What `outrider run --config` is given.
    package var config: String
    /// Where `NAME.yaml` of a scenario is found.
    package var scenarios: String
    /// The ports that had to be others than those of the examples.
    package var ports = PortMap()
    /// Whether it has certificates of the demo's own making.
    package private(set) var hasCertificates = false

    /// The file that a scenario replaces.
    package static let scenarioFile = "scenario.yaml"

    // MARK: - The note

    /// `$TMPDIR/outrider-demo-UID`: where demos keep their directories and the note.
    private static var home: String {
        let temporary = ProcessInfo.processInfo.environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        return "\(temporary)/outrider-demo-\(getuid())"
    }

    private static var note: String { "\(home)/state.json" }

    /// The demo that was started last, if it still runs.
    package static var current: RunningDirectory? {
        guard let data = FileManager.default.contents(atPath: note),
            let state = try? JSONDecoder().decode(Self.self, from: data), kill(state.pid, 0) == 0
        else { return nil }
        return state
    }

    // MARK: - Life

    /// Copies `source` (or, with `inPlace`, uses it as it is) for a demo of this process, its ports free and these marks
    /// taken away.
    package init(from source: String, scenarios: String, inPlace: Bool, marks: Set<Mark> = []) throws {
        pid = getpid()
        self.scenarios = scenarios
        guard !inPlace else {
            config = source
            return
        }
        config = "\(Self.home)/\(getpid())/config"
        try Self.makePrivate(Self.home)
        let files = try Self.yamlFiles(in: source)
        guard !files.isEmpty else { throw DemoError("There is no YAML in \(source).") }
        let texts = try files.map { try String(contentsOfFile: "\(source)/\($0)", encoding: .utf8) }
        ports = PortMap(for: texts)
        for (file, text) in zip(files, texts) {
            let target = "\(config)/\(file)"
            try FileManager.default.createDirectory(
                atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try Mark.taken(marks, from: ports.applied(to: text)).write(
                toFile: target, atomically: false, encoding: .utf8)
        }
    }

    /// The folder for the logs of this demo's processes.
    package var logs: String { "\(Self.home)/\(pid)/logs" }

    /// Leaves the note and makes room for logs.
    package func announce() throws {
        try Self.makePrivate(Self.home)
        try FileManager.default.createDirectory(atPath: logs, withIntermediateDirectories: true)
        try JSONEncoder().encode(self).write(to: URL(fileURLWithPath: Self.note), options: .atomic)
    }

    /// Takes the note and the copy away again.
    package func remove() {
        try? FileManager.default.removeItem(atPath: "\(Self.home)/\(pid)")
        guard let data = FileManager.default.contents(atPath: Self.note),
            let state = try? JSONDecoder().decode(Self.self, from: data), state.pid == pid
        else { return }
        try? FileManager.default.removeItem(atPath: Self.note)
    }

    // MARK: - Certificates

    /// Makes an authority and its certificates, in place before proxies start.
    package mutating func makeCertificates(for layout: MeshLayout) throws {
        guard !layout.workloads.isEmpty else { return }
        let certificates = try certificates()
        try certificates.makeAuthority()
        try certificates.issue(layout.workloads)
        hasCertificates = true
    }

    /// Makes all certificates anew while proxies serve.
    package func renewCertificates(for layout: MeshLayout) throws {
        guard hasCertificates else {
            throw DemoError("This demo runs in plain text: there are no certificates to renew.")
        }
        try certificates().issue(layout.workloads)
    }

    private func certificates() throws -> MeshCertificates {
        try MeshCertificates(config: config, authority: "\(Self.home)/\(pid)/authority")
    }

    // MARK: - Scenarios

    /// Puts a scenario's file into the directory, in one step. False when it was there already.
    package func apply(scenario: String) throws -> Bool {
        let source = "\(scenarios)/\(scenario).yaml"
        guard let text = try? String(contentsOfFile: source, encoding: .utf8) else {
            throw DemoError(
                "There is no scenario \(scenario); \(scenarios) has \(scenarioNames.joined(separator: ", ")).")
        }
        guard hasCertificates || !text.contains("mode: STRICT") else {
            throw DemoError(
                "\(scenario) needs certificates, and this demo runs in plain text: install openssl and start it again.")
        }
        let target = "\(config)/\(Self.scenarioFile)"
        let wanted = ports.applied(to: text)
        if let present = try? String(contentsOfFile: target, encoding: .utf8), present == wanted { return false }
        // A name with a dot in front is not read as configuration; the rename makes the change whole.
        let half = "\(config)/.\(Self.scenarioFile).new"
        try wanted.write(toFile: half, atomically: false, encoding: .utf8)
        guard rename(half, target) == 0 else {
            throw DemoError("Cannot replace \(target): \(String(cString: strerror(errno))).")
        }
        return true
    }

    private var scenarioNames: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: scenarios)) ?? []
        return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
    }

    // MARK: - Details

    private static func yamlFiles(in directory: String) throws -> [String] {
        guard let all = FileManager.default.enumerator(atPath: directory) else {
            throw DemoError("Cannot read \(directory).")
        }
        return all.compactMap { $0 as? String }.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted()
    }

    /// A folder of one's own: nobody else can put configuration there.
    private static func makePrivate(_ path: String) throws {
        if mkdir(path, 0o700) == 0 { return }
        var info = stat()
        guard lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR, info.st_uid == getuid() else {
            throw DemoError("\(path) is not a folder of this user.")
        }
    }
}
