import ArgumentParser
import Clusters
import Demo
import Plan
import Wire

/// Destinations and their endpoints: as compiled, or as a running proxy sees them.
struct ClustersVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clusters",
        abstract:
            "Prints the destinations with their endpoints; with --admin also who is ejected, and what is under way.")

    @OptionGroup var options: ConfigOptions

    @Option(
        help: ArgumentHelp(
            "Ask the running proxy whose admin listens here instead of reading the directory.", valueName: "IP:PORT"))
    var admin: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("How it is printed.", valueName: "format"))
    var output: OutputFormat = .text

    func validate() throws {
        guard let admin else { return }
        switch SocketAddress(admin) {
        case .ipv4, .ipv6: break
        case .unix: throw ValidationError("--admin asks over TCP only; read a Unix socket with curl --unix-socket.")
        case nil: throw ValidationError("--admin \(admin) is no address of the form IP:PORT.")
        }
    }

    func run() throws {
        if let admin { return try ask(admin) }
        let plan = try options.plan()
        switch output {
        case .text:
            for cluster in plan.clusters {
                for line in ClusterText.lines(cluster) { Terminal.say(line) }
            }
        case .json: Terminal.say(try JSONText.encode(plan.clusters.map(Cluster.init)))
        }
    }

    private func ask(_ admin: String) throws {
        let response = try Client(waitSeconds: 5).send(
            "GET", "http://\(admin)/clusters\(output == .json ? "?format=json" : "")")
        Terminal.say(response.text)
        if response.status != 200 { throw ExitCode(1) }
    }

    /// A cluster as programs read it.
    private struct Cluster: Encodable {
        struct Endpoint: Encodable {
            var address: String
            var weight: Int
            var locality: String
            var isUnhealthy: Bool
            var workload: String
            var version: String
            var isPlain: Bool
        }
        var name: String
        var balancer: String
        var origin: String
        var speaks: String
        /// In words; nil: plain text.
        var tls: String?
        var endpoints: [Endpoint]

        init(_ cluster: ClusterSpec) {
            name = cluster.name
            balancer = cluster.balancer.rawValue
            origin = cluster.origin
            speaks = cluster.speaks.sentence
            tls = cluster.tls?.sentence
            endpoints = cluster.endpoints.map {
                Endpoint(
                    address: ClusterText.address($0.address), weight: $0.weight, locality: $0.locality,
                    isUnhealthy: $0.isUnhealthy, workload: $0.workload, version: $0.version,
                    isPlain: cluster.tls == nil || $0.isPlain)
            }
        }
    }
}
