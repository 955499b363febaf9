import Foundation
import Glibc

/// A program that a test started. It ends with the test, also when that crashes: its standard input is a pipe that closes then.
final class ChildProcess {
    let pid: pid_t
    /// Open while the test wants the program to run.
    private let lifeline: Int32
    private var status: Int32?

    /// Starts a program; its output and its errors go to these files. `environment`: what it has beyond the test's own, `NAME=value`.
    init(
        _ program: String, _ arguments: [String], output: String, errors: String, environment: [String] = []
    ) throws {
        var pipe: [Int32] = [0, 0]
        // Sockets, since they alone can be made so that no other child inherits them.
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &pipe) == 0 else { throw ScenarioError("no pipe") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, pipe[0], 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        // The first of two values counts: what is added stands before the test's own.
        let added = environment.map { strdup($0) }
        defer { for text in added { free(text) } }
        var all = added
        var own = environ
        while let text = own.pointee {
            all.append(text)
            own += 1
        }
        all.append(nil)
        var pid: pid_t = 0
        let result = posix_spawnp(&pid, program, &actions, nil, &words, all)
        close(pipe[0])
        guard result == 0 else {
            close(pipe[1])
            throw ScenarioError("cannot start \(program): \(String(cString: strerror(result)))")
        }
        self.pid = pid
        lifeline = pipe[1]
    }

    deinit {
        close(lifeline)
        if status == nil {
            kill(pid, SIGKILL)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
        }
    }

    func signal(_ number: Int32) { if exitStatus == nil { kill(pid, number) } }

    /// How it ended: its exit status, or minus the signal that killed it; nil while it runs.
    var exitStatus: Int32? {
        if let status { return status }
        var raw: Int32 = 0
        guard waitpid(pid, &raw, WNOHANG) == pid else { return nil }
        status = raw & 0x7F == 0 ? raw >> 8 & 0xFF : -(raw & 0x7F)
        return status
    }

    /// Runs a program to its end and gives back what it printed; nil when it is not installed.
    static func run(_ name: String, _ arguments: [String], seconds: Int = 60) throws -> (status: Int32, text: String)? {
        guard let program = path(of: name) else { return nil }
        let file = NSTemporaryDirectory() + "/outrider-output-\(UUID().uuidString)"
        defer { unlink(file) }
        let child = try ChildProcess(program, arguments, output: file, errors: file)
        try waitUntil("\(name) ends", seconds: seconds) { child.exitStatus != nil }
        let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        return (child.exitStatus ?? -1, text)
    }

    /// Where a program is; nil when it is not installed.
    static func path(of name: String) -> String? {
        if name.hasPrefix("/") { return access(name, X_OK) == 0 ? name : nil }
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        return (folders + ["/usr/sbin", "/usr/local/sbin"]).map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }
}

/// Waits for something that another thread or process does.
func waitUntil(_ what: String, seconds: Int = 60, _ condition: () throws -> Bool) throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if try condition() { return }
        usleep(5_000)
    }
    throw ScenarioError("in vain for \(seconds) s: \(what)")
}
