import Foundation
import Glibc
import Wire

/// The running application: the sample services and their proxies, processes of their own below this one.
package final class Mesh {
    private let layout: MeshLayout
    private let directory: RunningDirectory
    private let executable: String
    private var children: [Child] = []
    /// Both ends of the pipe that children read until this process is gone.
    private var lifeline: [Int32] = [-1, -1]

    /// What each process may use until it answers.
    private static let startSeconds = 30.0

    /// `executable` is this program; it is started again for each process.
    package init(_ layout: MeshLayout, _ directory: RunningDirectory, executable: String) throws {
        self.layout = layout
        self.directory = directory
        self.executable = executable
        guard pipe(&lifeline) == 0 else { throw DemoError("Cannot make a pipe.") }
        // Only the copy that becomes a child's standard input lives on in it.
        for end in lifeline { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }

    deinit { for end in lifeline where end >= 0 { close(end) } }

    // MARK: - Life

    /// Starts everything and waits until a request finds its way through all of it.
    package func start() throws {
        for sidecar in layout.sidecars { try startService(beside: sidecar) }
        for (proxy, _) in layout.admins {
            try start(
                proxy,
                ["run", "--config", directory.config, "--proxy", proxy, "--state", "none", "--until-stdin-closes"],
                ProcessInfo.processInfo.environment)
        }
        let client = try Client(waitSeconds: 2)
        for (proxy, admin) in layout.admins { try wait(for: proxy, "http://\(admin)/ready", client) }
        try wait(for: "the page through the gateway", "http://\(layout.gateway)/", client)
    }

    /// Ends every process: asked together, then waited for.
    package func stop() {
        for child in children { child.terminate() }
        for child in children { child.reap(seconds: 5) }
        children = []
    }

    /// Processes that ended on their own since the last call, in words.
    package func losses() -> [String] {
        var sentences: [String] = []
        children.removeAll { child in
            guard let ending = child.ending() else { return false }
            sentences.append("\(child.name) (process \(child.pid)) \(ending). \(child.lastWords(lines: 1))")
            return true
        }
        return sentences
    }

    // MARK: - Details

    private func startService(beside sidecar: MeshLayout.Sidecar) throws {
        var environment = ProcessInfo.processInfo.environment
        let domain = "\(sidecar.proxy.split(separator: ".").last ?? "default").svc.cluster.local"
        environment["BASE_URL"] = directory.ports.applied(to: "http://productcatalog.\(domain):5000/products/")
        environment["AGG_APP_URL"] = directory.ports.applied(to: "http://catalogdetail.\(domain):3000/catalogDetail")
        if sidecar.proxyHttpPort > 0 { environment["http_proxy"] = "http://127.0.0.1:\(sidecar.proxyHttpPort)" }
        try start(
            "\(sidecar.app)-\(sidecar.version)",
            [
                "service", sidecar.app, "--version-label", sidecar.version, "--address", sidecar.program.description,
                "--until-stdin-closes",
            ], environment)
    }

    private func start(_ name: String, _ arguments: [String], _ environment: [String: String]) throws {
        children.append(
            try Child(
                name: name, arguments: [executable] + arguments, environment: environment,
                log: "\(directory.logs)/\(name).log", input: lifeline[0]))
    }

    private func wait(for what: String, _ url: String, _ client: Client) throws {
        let deadline = Date(timeIntervalSinceNow: Self.startSeconds)
        var last = "no answer"
        while Date() < deadline {
            do {
                let response = try client.send("GET", url)
                if response.status == 200 { return }
                last = "status \(response.status), \(response.text.prefix(300))"
            } catch {
                last = "\(error)"
            }
            for child in children {
                if let ending = child.ending() {
                    throw DemoError("\(child.name) \(ending). Its last words:\n\(child.lastWords())")
                }
            }
            usleep(30_000)
        }
        throw DemoError("\(what) is not ready after \(Int(Self.startSeconds)) s: \(last)")
    }
}
