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

    @Option(help: "Ask the running proxy whose admin listens here (IP:PORT) instead of reading the directory.")
    var admin: String?

    @Option(name: .shortAndLong, help: "text or json.")
    var output: OutputFormat = .text

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
        guard SocketAddress(admin) != nil else {
            throw ValidationError("--admin \(admin) is no address of the form IP:PORT.")
        }
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
        }
        var name: String
        var balancer: String
        var origin: String
        var endpoints: [Endpoint]

        init(_ cluster: ClusterSpec) {
            name = cluster.name
            balancer = cluster.balancer.rawValue
            origin = cluster.origin
            endpoints = cluster.endpoints.map {
                Endpoint(
                    address: ClusterText.address($0.address), weight: $0.weight, locality: $0.locality,
                    isUnhealthy: $0.isUnhealthy, workload: $0.workload, version: $0.version)
            }
        }
    }
}
