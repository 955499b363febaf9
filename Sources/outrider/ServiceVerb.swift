import ArgumentParser
import Demo
import Foundation
import Wire

/// One sample service of the product-catalog application, in the foreground.
struct ServiceVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "service",
        abstract: "Runs one sample service: frontend, productcatalog or catalogdetail.",
        discussion: """
            frontend asks $BASE_URL, productcatalog asks $AGG_APP_URL; both go through $http_proxy where it is set.
            """,
        shouldDisplay: false)

    enum Name: String, ExpressibleByArgument, CaseIterable { case frontend, productcatalog, catalogdetail }

    @Argument(help: "Which one.")
    var name: Name

    @Option(help: "Where it listens; port 0 picks a free one.")
    var address: String = "127.0.0.1:0"

    @Option(help: ArgumentHelp("The version that catalogdetail is: v1 or v2.", valueName: "version"))
    var versionLabel: String = "v1"

    @Flag(help: .hidden)
    var untilStdinCloses = false

    func validate() throws {
        if SocketAddress(address) == nil { throw ValidationError("\(address) is no address of the form IP:PORT.") }
        if Int(versionLabel.drop { $0 == "v" }) == nil { throw ValidationError("A version is v1 or v2.") }
    }

    func run() throws {
        guard let address = SocketAddress(address) else { return }
        let environment = ProcessInfo.processInfo.environment
        let domain = "workshop.svc.cluster.local"
        let service: SampleService =
            switch name {
            case .frontend:
                .frontend(baseURL: environment["BASE_URL"] ?? "http://productcatalog.\(domain):5000/products/")
            case .productcatalog:
                .productcatalog(
                    detailsURL: environment["AGG_APP_URL"] ?? "http://catalogdetail.\(domain):3000/catalogDetail")
            case .catalogdetail:
                .catalogdetail(version: Int(versionLabel.drop { $0 == "v" }) ?? 1)
            }
        let client = try Client(proxy: environment["http_proxy"])
        let server = try Server(at: address) { service.answer($0, client) }
        Terminal.say("\(name.rawValue) listens at \(server.address)")
        if untilStdinCloses { Lifeline.watch() }
        server.run()
    }
}
