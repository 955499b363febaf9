import Foundation
import Glibc
import Testing

@Suite("Hot reload")
struct ReloadScenarios {
    @Test("an edit of the weights moves the split, and no request fails")
    func weights() throws {
        let shop = try Shop(routes: Manifest.split(100, 0))
        let crowd = Crowd(port: shop.port)
        try crowd.waitForAnswers(300)
        try shop.proxy.apply("routes.yaml", Manifest.split(0, 100))
        #expect(crowd.tally.bodies["v2", default: 0] < crowd.tally.answers)
        // What was under way may still end on the generation before.
        try crowd.waitForAnswers(10)
        let v1 = shop.v1.count
        try crowd.waitForAnswers(300)
        #expect(shop.v1.count == v1)
        let tally = try crowd.stop()
        #expect(tally.losses == 0 && tally.bodies["v2", default: 0] >= 300, "\(tally)")
    }

    @Test("of hundreds of VirtualServices in one file one is changed again and again, and no request fails")
    func oneOfHundreds() throws {
        func routes(_ changed: Int) -> String {
            let others = (0..<400).map { index in
                Manifest.routes(
                    "- directResponse: {status: 200, body: {string: \"r\(index == 200 ? changed : 0)\"}}",
                    hosts: "h\(index).example", name: "v\(index)")
            }
            return
                (others + [
                    Manifest.routes(
                        "- route: [{destination: {host: catalog}}]", hosts: "shop.example", name: "shop")
                ]).joined(separator: "\n---\n")
        }
        let shop = try Shop(routes: routes(0))
        let crowd = Crowd(port: shop.port)
        try crowd.waitForAnswers(50)
        for round in 1...8 {
            try shop.proxy.apply("routes.yaml", routes(round))
            #expect(try shop.get("/", host: "h200.example").text == "r\(round)")
            #expect(try shop.get("/", host: "h399.example").text == "r0")
            try crowd.waitForAnswers(20)
        }
        #expect(try crowd.stop().losses == 0)
    }

    @Test("a hundred quick changes, some of them broken, lose nothing")
    func storm() throws {
        let shop = try Shop()
        let crowd = Crowd(port: shop.port)
        let routes = "\(shop.proxy.config)/routes.yaml"
        for round in 0..<120 {
            let whole = Manifest.split(round % 101, 100 - round % 101)
            switch round % 6 {
            case 0: try shop.proxy.write("routes.yaml", "kind: [unclosed\n  \(whole)")
            case 1:  // Half-written, in place.
                try String(whole.prefix(whole.count / 2)).write(toFile: routes, atomically: false, encoding: .utf8)
            case 2:  // Away, and back under another name.
                rename(routes, "\(shop.proxy.config)/other.yaml")
            case 3:
                rename("\(shop.proxy.config)/other.yaml", routes)
                try whole.write(toFile: routes, atomically: false, encoding: .utf8)
            case 4: try shop.proxy.write("routes.yaml", whole.replacingOccurrences(of: "weight", with: "wait"))
            default: try shop.proxy.write("routes.yaml", whole)
            }
            usleep(10_000)
        }
        try shop.proxy.show("routes.yaml", Manifest.split(0, 100))
        try waitUntil("the last split serves") { try shop.get("/").text == "v2" && shop.get("/").text == "v2" }
        let tally = try crowd.stop()
        // A file that is away is deleted, so 404 is the truth then; nothing else may be seen.
        #expect(tally.failures.isEmpty && Set(tally.statuses.keys).isSubset(of: [200, 404]), "\(tally)")
        #expect(try shop.proxy.report()["failure"] == nil)
    }

    @Test("a swapped symbolic link, as of a ConfigMap, is one generation")
    func configMap() throws {
        let shop = try Shop(routes: "")
        let files = FileManager.default
        let config = shop.proxy.config
        for (version, text) in [("..1", Manifest.split(100, 0)), ("..2", Manifest.split(0, 100))] {
            try files.createDirectory(atPath: "\(config)/mounted/\(version)", withIntermediateDirectories: true)
            try text.write(toFile: "\(config)/mounted/\(version)/routes.yaml", atomically: true, encoding: .utf8)
        }
        let before = try shop.proxy.generation()
        try files.createSymbolicLink(atPath: "\(config)/mounted/..data", withDestinationPath: "..1")
        try files.createSymbolicLink(atPath: "\(config)/mounted/routes.yaml", withDestinationPath: "..data/routes.yaml")
        try shop.proxy.waitForGeneration(after: before)
        let crowd = Crowd(port: shop.port)
        try crowd.waitForAnswers(50)
        #expect(crowd.tally.bodies["v2"] == nil)
        let middle = try shop.proxy.generation()
        try files.createSymbolicLink(atPath: "\(config)/mounted/..new", withDestinationPath: "..2")
        rename("\(config)/mounted/..new", "\(config)/mounted/..data")
        try shop.proxy.waitForGeneration(after: middle)
        #expect(try shop.proxy.generation() == middle + 1)
        #expect(try shop.get("/").text == "v2")
        #expect(try crowd.stop().losses == 0)
    }

    @Test("a broken resource keeps its last good form and is reported stale, others go on")
    func stale() throws {
        let shop = try Shop(routes: Manifest.split(100, 0))
        try shop.proxy.show("routes.yaml", "{")
        #expect(try shop.get("/").text == "v1")
        let report = try shop.proxy.ask("/generation").text
        #expect(report.contains("\"stale\":[{\"kind\":\"VirtualService\""), "\(report)")
        #expect(report.contains("routes.yaml:"), "\(report)")
        try shop.proxy.apply(
            "more.yaml",
            Manifest.routes("- directResponse: {status: 204}", hosts: "more.example", name: "more"))
        #expect(try shop.get("/", host: "more.example").status == 204)
        #expect(try shop.get("/").text == "v1")
        try shop.proxy.apply("routes.yaml", Manifest.split(0, 100))
        #expect(try shop.get("/").text == "v2")
        #expect(try shop.proxy.ask("/generation").text.contains("\"stale\":[]"))
    }

    @Test("a listener comes and goes while another serves")
    func listeners() throws {
        let shop = try Shop()
        let crowd = Crowd(port: shop.port)
        let second = try TestSocket.freePort()
        let gateway = try String(contentsOfFile: "\(shop.proxy.config)/gateway.yaml", encoding: .utf8)
        try shop.proxy.apply(
            "gateway.yaml",
            gateway.replacingOccurrences(
                of: "  listen:\n", with: "  listen:\n  - {port: 8080, address: \"127.0.0.1:\(second)\"}\n")
                + "\n  - port: {number: 8080, name: http-2, protocol: HTTP}\n    hosts: [\"*\"]\n")
        #expect(try RawClient(port: second).get("/").status == 200, "\(shop.proxy.log)")
        try shop.proxy.apply("gateway.yaml", gateway)
        try waitUntil("the listener is gone") { (try? RawClient(port: second)) == nil }
        try crowd.waitForAnswers(100)
        #expect(try crowd.stop().losses == 0)
    }

    @Test("SIGHUP and POST /reload look at the directory again")
    func reloadOnDemand() throws {
        let shop = try Shop()
        let looks = try shop.proxy.looks()
        shop.proxy.signal(SIGHUP)
        try waitUntil("SIGHUP looks") { try shop.proxy.looks() > looks }
        let after = try shop.proxy.looks()
        #expect(try shop.proxy.ask("/reload", method: "POST").status == 202)
        try waitUntil("admin looks") { try shop.proxy.looks() > after }
        #expect(try shop.get("/").status == 200)
    }

    @Test("clusters that did not change keep their connections and counters")
    func pools() throws {
        let shop = try Shop(routes: Manifest.split(100, 0))
        let client = try shop.client()
        for _ in 0..<20 { #expect(try client.get("/").status == 200) }
        let connections = shop.v1.connections
        for round in 0..<5 {
            try shop.proxy.apply(
                "more.yaml", Manifest.routes("- directResponse: {status: \(201 + round)}", hosts: "more", name: "more"))
            for _ in 0..<20 { #expect(try client.get("/").status == 200) }
        }
        #expect(shop.v1.connections == connections)
        try shop.proxy.waitForMetric("istio_requests_total", ["response_code": "200"], 120)
    }

    @Test("a restart with a broken file serves its last good form")
    func restart() throws {
        let origin = try TestOrigin(saying: "v1")
        defer { origin.stop() }
        let port = try TestSocket.freePort()
        let admin = try TestSocket.freePort()
        let files = [
            "gateway.yaml": Manifest.gateway(port: port, admin: admin),
            "catalog.yaml": Manifest.service("catalog", [("v1", origin.port)]),
            "rule.yaml": Manifest.subsets("catalog"),
            "routes.yaml": Manifest.split(100, 0),
        ]
        let first = try ScenarioProxy(files, admin: admin)
        first.keepsFolder = true
        #expect(try RawClient(port: port).get("/").text == "v1")
        try waitUntil("the last good form is kept") {
            FileManager.default.subpaths(atPath: "\(first.folder)/state")?.isEmpty == false
        }
        first.signal(SIGTERM)
        #expect(try first.end() == 0)
        let second = try ScenarioProxy(["routes.yaml": "{"], admin: admin, folder: first.folder)
        #expect(try RawClient(port: port).get("/").text == "v1", "\(second.log)")
        #expect(try second.ask("/generation").text.contains("\"stale\":[{"))
    }
}
