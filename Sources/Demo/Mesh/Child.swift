import Foundation
import Glibc

/// A process that this one started. It gets a pipe as standard input whose other end only this process holds, so that it
/// learns when this process is gone, however that ended. Its output goes to a file.
package final class Child {
    package let name: String
    package let pid: pid_t
    private let log: String

    /// Starts `arguments[0]` with an environment of its own.
    package init(name: String, arguments: [String], environment: [String: String], log: String, input: Int32) throws {
        self.name = name
        self.log = log
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)

        // A signal mask of our own is not for children.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        var spawned = pid_t()
        let result = withCStrings(arguments) { argv in
            withCStrings(environment.map { "\($0.key)=\($0.value)" }) { envp in
                posix_spawn(&spawned, arguments[0], &actions, &attributes, argv, envp)
            }
        }
        guard result == 0 else { throw DemoError("Cannot start \(name): \(String(cString: strerror(result))).") }
        pid = spawned
    }

    /// Whether it has ended, and how, in words. Asked without waiting.
    package func ending() -> String? {
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? "ended with status \(status >> 8 & 0xFF)" : "was ended by signal \(signal)"
    }

    /// Asks it to end.
    package func terminate() { kill(pid, SIGTERM) }

    /// Waits for its end, and ends it hard after `seconds`.
    package func reap(seconds: Double) {
        let deadline = Date(timeIntervalSinceNow: seconds)
        var status: Int32 = 0
        while waitpid(pid, &status, WNOHANG) == 0 {
            if Date() > deadline {
                kill(pid, SIGKILL)
                waitpid(pid, &status, 0)
                return
            }
            usleep(10_000)
        }
    }

    /// The last lines that it wrote.
    package func lastWords(lines: Int = 12) -> String {
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(lines).joined(separator: "\n")
    }
}

/// Calls `body` with a NULL-terminated array of C strings.
private func withCStrings<R>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R) -> R {
    var pointers = strings.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers)
}
