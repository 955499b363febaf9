import Routing
import Testing

@testable import Compile
@testable import Istio
@testable import Plan

/// Values that no validation would let through: compiling must survive them all, and what it gives must load.
@Suite struct HostileTests {
    /// Small, fast and the same everywhere.
    private struct Draws: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }

    private static let words = [
        "", "*", "*.", ".", "a", "a.b", "*.a", "A", "mesh", "./x", "a/b", "*/*", "~/*", "~", "10.0.0.1", "::1", "[::1]",
        "unix:///x",
        "default", "svc", "a.default.svc.cluster.local", "\u{0}", "é", "x:80", ":", "/", "%", "http", "(", "[z-a]",
        "host", ":path",
    ]
    private static let numbers = [0, -1, 1, 80, 65535, 65536, Int.max, Int.min, 100, 1 << 32]

    private struct Maker {
        var draws: Draws

        mutating func word() -> String { HostileTests.words.randomElement(using: &draws) ?? "" }
        mutating func number() -> Int { HostileTests.numbers.randomElement(using: &draws) ?? 0 }
        mutating func words() -> [String] { (0..<Int.random(in: 0...3, using: &draws)).map { _ in word() } }
        mutating func labels() -> [String: String] { Bool.random(using: &draws) ? [:] : [word(): word()] }
        mutating func flip() -> Bool { Bool.random(using: &draws) }

        mutating func metadata() -> Metadata {
            var metadata = Metadata(name: word(), namespace: flip() ? "default" : word())
            metadata.labels = labels()
            metadata.annotations = ["networking.istio.io/exportTo": word()]
            metadata.creationTimestamp = flip() ? nil : word()
            return metadata
        }

        mutating func match() -> Istio.StringMatch {
            switch Int.random(in: 0...3, using: &draws) {
            case 0: .exact(word())
            case 1: .prefix(word())
            case 2: .regex(word())
            default: .present
            }
        }

        mutating func destination() -> Istio.Destination {
            var destination = Istio.Destination()
            destination.host = word()
            destination.subset = flip() ? "" : word()
            destination.port = flip() ? nil : number()
            return destination
        }

        mutating func changes() -> HeaderChanges {
            var changes = HeaderChanges()
            changes.set = words().map { Istio.HeaderValue(name: $0, value: $0) }
            changes.add = words().map { Istio.HeaderValue(name: $0, value: "%REQ(" + $0) }
            changes.remove = words()
            return changes
        }

        mutating func rule() -> HTTPRoute {
            var rule = HTTPRoute()
            rule.name = word()
            for _ in 0..<Int.random(in: 0...2, using: &draws) {
                var block = HTTPMatch()
                block.uri = flip() ? nil : match()
                block.authority = flip() ? nil : match()
                block.headers = words().map { Istio.NamedMatch(name: $0, match: .regex($0)) }
                block.withoutHeaders = words().map { Istio.NamedMatch(name: $0, match: .present) }
                block.queryParams = words().map { Istio.NamedMatch(name: $0, match: .exact($0)) }
                block.port = flip() ? nil : number()
                block.gateways = flip() ? [] : words()
                block.sourceLabels = labels()
                rule.match.append(block)
            }
            for _ in 0..<Int.random(in: 0...2, using: &draws) {
                var route = RouteDestination()
                route.destination = destination()
                route.weight = number()
                route.headers.request = changes()
                rule.route.append(route)
            }
            rule.headers.response = changes()
            if flip() {
                var redirect = Redirect()
                redirect.redirectCode = number()
                redirect.port = number()
                redirect.uri = word()
                rule.redirect = redirect
            }
            if flip() {
                rule.directResponse = DirectResponse()
                rule.directResponse?.status = number()
            }
            if flip() {
                rule.delegate = Delegate()
                rule.delegate?.name = word()
            }
            rule.timeoutMilliseconds = number()
            rule.retries = Retries()
            rule.retries?.attempts = number()
            rule.retries?.retryOn = word() + ",999,5xx,-1,99999999999999999999"
            rule.retries?.perTryTimeoutMilliseconds = number()
            var mirror = Istio.Mirror()
            mirror.destination = destination()
            mirror.percentage = flip() ? .nan : Double(number())
            rule.mirrors = [mirror]
            return rule
        }

        mutating func port() -> Port {
            var port = Port()
            port.number = number()
            port.name = word()
            port.protocol = flip() ? "HTTP" : word()
            port.targetPort = flip() ? nil : number()
            return port
        }

        mutating func workload() -> Workload {
            var workload = Workload()
            workload.address = word()
            workload.weight = number()
            workload.labels = labels()
            workload.ports = [word(): number()]
            return workload
        }

        mutating func pool() -> ConnectionPool {
            var pool = ConnectionPool()
            pool.tcp = ConnectionPool.TCP()
            pool.tcp?.maxConnections = number()
            pool.tcp?.tcpKeepalive = ConnectionPool.Keepalive()
            pool.tcp?.tcpKeepalive?.timeMilliseconds = number()
            pool.http = ConnectionPool.HTTP()
            pool.http?.maxRequestsPerConnection = number()
            return pool
        }

        mutating func resource() -> Resource {
            switch Int.random(in: 0...8, using: &draws) {
            case 0:
                var service = VirtualService(metadata: metadata())
                (service.hosts, service.gateways, service.exportTo) = (words(), words(), words())
                service.http = [rule(), rule()]
                return .virtualService(service)
            case 1:
                var rule = DestinationRule(metadata: metadata())
                (rule.host, rule.exportTo) = (word(), words())
                var subset = Subset()
                (subset.name, subset.labels) = (word(), labels())
                rule.subsets = [subset]
                rule.trafficPolicy = TrafficPolicy()
                rule.trafficPolicy?.connectionPool = pool()
                rule.trafficPolicy?.outlierDetection = OutlierDetection()
                rule.trafficPolicy?.outlierDetection?.maxEjectionPercent = number()
                return .destinationRule(rule)
            case 2:
                var gateway = Gateway(metadata: metadata())
                var server = Server()
                (server.port, server.hosts, server.bind) = (port(), words(), flip() ? "" : word())
                gateway.servers = [server]
                return .gateway(gateway)
            case 3:
                var entry = ServiceEntry(metadata: metadata())
                (entry.hosts, entry.addresses, entry.ports) = (words(), words(), [port(), port()])
                entry.endpoints = [workload()]
                entry.resolution = flip() ? .static : .none
                return .serviceEntry(entry)
            case 4:
                var sidecar = Sidecar(metadata: metadata())
                var egress = Sidecar.Egress()
                (egress.port, egress.hosts, egress.bind) = (port(), words(), word())
                var ingress = Sidecar.Ingress()
                (ingress.port, ingress.bind, ingress.defaultEndpoint) = (port(), word(), word() + ":80")
                (sidecar.egress, sidecar.ingress) = ([egress], [ingress])
                return .sidecar(sidecar)
            case 5:
                var service = Service(metadata: metadata())
                var port = Service.Port()
                (port.port, port.targetPort) = (number(), flip() ? .name(word()) : .number(number()))
                (service.ports, service.selector, service.externalName) = ([port], labels(), word())
                service.type = flip() ? "ExternalName" : "ClusterIP"
                return .service(service)
            case 6:
                var pod = Pod(metadata: metadata())
                pod.ip = word()
                return .pod(pod)
            case 7:
                var entry = WorkloadEntry(metadata: metadata())
                entry.workload = workload()
                return .workloadEntry(entry)
            default:
                var slice = EndpointSlice(metadata: metadata())
                var endpoint = EndpointSlice.Endpoint()
                endpoint.addresses = words()
                var port = EndpointPort()
                port.port = number()
                (slice.serviceName, slice.endpoints, slice.ports) = (word(), [endpoint], [port])
                return .endpointSlice(slice)
            }
        }
    }

    @Test("nothing in a resource stops the compiler", arguments: 0..<300)
    func survives(seed: Int) {
        var maker = Maker(draws: Draws(state: UInt64(seed) &* 7919))
        let all = (0..<40).map { _ in maker.resource() }
        for isGateway in [false, true] {
            var proxy = isGateway ? gateway() : sidecar()
            proxy.meshConfig.proxyHttpPort = maker.number()
            let compiled = Compiler.compile(all, proxy: proxy)
            #expect(
                compiled.plan.listeners.allSatisfy {
                    compiled.plan.routeConfigurations.indices.contains($0.routeConfiguration)
                })
            _ = RouteTable(compiled.plan.routeConfigurations, seed: 1)
            #expect(Compiler.compile(all, proxy: proxy).plan.describe() == compiled.plan.describe())
        }
    }
}
