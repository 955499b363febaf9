import Testing
import Wire

@testable import Routing

/// A request's head from text, without a parser: a first line, fields, each on a line. Host becomes the authority.
func request(_ text: String, https: Bool = false) -> Head {
    let head = Head()
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let parts = lines[0].split(separator: " ").map(String.init)
    head.methodSlice = head.append(parts[0])
    head.method = Method(head.bytes(head.methodSlice))
    head.path = head.append(parts.count > 1 ? parts[1] : "/")
    head.schemeIsHTTPS = https
    addFields(lines.dropFirst(), to: head)
    if let host = head.value(of: .host) { head.authority = host }
    return head
}

/// An answer's head from text: the status, then fields.
func response(_ text: String) -> Head {
    let head = Head()
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    head.status = UInt16(lines[0]) ?? 0
    addFields(lines.dropFirst(), to: head)
    return head
}

private func addFields(_ lines: some Sequence<String>, to head: Head) {
    for line in lines where !line.isEmpty {
        guard let colon = line.firstIndex(of: ":") else { continue }
        let name = String(line[..<colon])
        let value = line[line.index(after: colon)...].drop { $0 == " " }
        head.appendField(
            name: head.append(name), value: head.append(String(value)), id: FieldText.identify(name.lowercased()))
    }
}

extension Head {
    /// The values of a header's lines, in order.
    func values(_ name: String) -> [String] {
        (0..<fieldCount).filter { !fields[$0].isRemoved && string(fields[$0].name).lowercased() == name }
            .map { string(fields[$0].value) }
    }

    var pathText: String { string(path) }
    var authorityText: String { string(authority) }
}

let somewhere = Provenance(kind: "VirtualService", namespace: "default", name: "test", file: "test.yaml", line: 1)

/// A route to one cluster.
func route(
    _ name: String = "", _ path: PathMatch = .any, to cluster: Int = 0, headers: [NamedMatch] = [],
    query: [NamedMatch] = [], method: StringMatch? = nil, authority: StringMatch? = nil, scheme: StringMatch? = nil
) -> RouteSpec {
    RouteSpec(
        name: name, path: path, method: method, authority: authority, scheme: scheme, headers: headers,
        queryParameters: query, action: .forward(ForwardAction(destinations: [Destination(cluster: .index(cluster))])),
        provenance: somewhere)
}

/// A route with an action of its own.
func route(_ path: PathMatch = .any, _ action: RouteAction, response: HeaderOperations = HeaderOperations())
    -> RouteSpec
{
    RouteSpec(name: "r", path: path, action: action, responseHeaders: response, provenance: somewhere)
}

/// A table of one configuration with one virtual host for everything.
func table(_ routes: [RouteSpec], requiresTLS: Bool = false) -> RouteTable {
    table(hosts: [(["*"], routes)], requiresTLS: requiresTLS)
}

/// A table of one configuration.
func table(
    hosts: [(domains: [String], routes: [RouteSpec])], matchesPort: Bool = false, requiresTLS: Bool = false
) -> RouteTable {
    let virtualHosts = hosts.enumerated().map { offset, host in
        VirtualHostSpec(
            name: "host\(offset)", domains: host.domains, routes: host.routes, requiresTLS: requiresTLS,
            provenance: somewhere)
    }
    let configuration = RouteConfigurationSpec(name: "http.80", virtualHosts: virtualHosts, matchesPort: matchesPort)
    return RouteTable([configuration], seed: 7)
}

extension RouteTable {
    /// The name of the route that decides a request; nil for none. Fails the test where `explain` disagrees.
    func chosen(_ head: Head, draw: UInt64 = 0) -> String? {
        let decision = decide(0, head, draw: draw)
        #expect(explain(0, head, draw: draw).decision == decision)
        return decision.route < 0 ? nil : routeName(decision.route)
    }
}
