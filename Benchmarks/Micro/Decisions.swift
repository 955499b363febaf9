import Routing
import Wire

// `decide` with 10 and with 10,000 rules. Requests ask for names spread over all of them in turn, so that caches are of as little
// help as in life.
extension Case {
    static var decisions: [() -> Case] {
        Shape.allCases.flatMap { shape in [10, 10_000].map { rules in { decide(shape, rules: rules) } } }
    }

    /// Where rules differ.
    private enum Shape: String, CaseIterable {
        case hosts = "hosts"
        case wildcards = "wildcard hosts"
        case exactPaths = "exact paths"
        case prefixes = "prefix paths"
        case mixedPaths = "exact and prefix paths"

        private static func forward() -> RouteAction {
            .forward(ForwardAction(destinations: [Destination(cluster: .index(0), weight: 1)]))
        }

        private static let provenance = Provenance(
            kind: "VirtualService", namespace: "bench", name: "rules", file: "rules.yaml", line: 1)

        func table(rules: Int) -> RouteTable {
            let hosts: [VirtualHostSpec]
            switch self {
            case .hosts, .wildcards:
                hosts = (0..<rules).map { number in
                    let domain = self == .hosts ? "service-\(number).shop.example" : "*.service-\(number).shop.example"
                    let route = RouteSpec(name: "rule", action: Self.forward(), provenance: Self.provenance)
                    return VirtualHostSpec(
                        name: domain, domains: [domain], routes: [route], provenance: Self.provenance)
                }
            case .exactPaths, .prefixes, .mixedPaths:
                let routes = (0..<rules).map { number in
                    RouteSpec(name: "rule", path: match(number), action: Self.forward(), provenance: Self.provenance)
                }
                hosts = [
                    VirtualHostSpec(
                        name: "shop", domains: ["shop.example"], routes: routes, provenance: Self.provenance)
                ]
            }
            return RouteTable([RouteConfigurationSpec(name: "http.80", virtualHosts: hosts)], seed: 7)
        }

        private func match(_ number: Int) -> PathMatch {
            let isExact = self == .exactPaths || self == .mixedPaths && number % 2 == 0
            return isExact
                ? .exact("/api/item-\(number)", ignoreCase: false) : .prefix("/api/item-\(number)/", ignoreCase: false)
        }

        func request(_ number: Int) -> Head {
            switch self {
            case .hosts: return Samples.head(host: "service-\(number).shop.example", path: "/page")
            case .wildcards: return Samples.head(host: "pod.service-\(number).shop.example", path: "/page")
            case .exactPaths, .prefixes, .mixedPaths:
                let path = if case .exact(let path, _) = match(number) { path } else { "/api/item-\(number)/page" }
                return Samples.head(host: "shop.example", path: path)
            }
        }
    }

    private static func decide(_ shape: Shape, rules: Int) -> Case {
        let table = shape.table(rules: rules)
        // As many for few rules as for many: what differs is the table.
        let requests = (0..<1000).map { shape.request($0 * 7919 % rules) }
        return Case("decide among \(rules) \(shape.rawValue)") { times in
            for time in 0..<times {
                let decision = table.decide(0, requests[time % requests.count], draw: UInt64(time))
                guard decision.route >= 0 else { fatalError("no rule of \(shape) matches") }
                sink &+= Int(decision.route)
            }
        }
    }
}
