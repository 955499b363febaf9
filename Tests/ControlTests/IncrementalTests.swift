import Compile
import Istio
import Plan
import Testing

@testable import Control

/// What was remembered is never seen: a directory that was edited many times gives what a new process would read in it.
@Suite("Incremental reading")
struct IncrementalTests {
    /// Files in memory that are edited at random.
    private struct Directory {
        var files: [String: [String]]
        private var draws: Draws
        private var serial = 0

        init(seed: UInt64) {
            draws = Draws(state: seed)
            files = ["proxy.yaml": [Self.proxy], "a.yaml": [], "b.yaml": [], "c.yaml": []]
            for index in 0..<24 {
                files["abc".map { "\($0).yaml" }[index % 3]]?.append(Self.document(index % 8, index, index))
            }
        }

        var scan: ConfigDirectory.Scan {
            ConfigDirectory.Scan(
                files: files.sorted { $0.key < $1.key }.map {
                    .init(path: "conf/\($0.key)", content: .text($0.value.joined(separator: "---\n")))
                })
        }

        mutating func edit() {
            serial += 1
            let names = files.keys.filter { $0 != "proxy.yaml" }.sorted()
            let name = names.randomElement(using: &draws) ?? "a.yaml"
            let count = files[name]?.count ?? 0
            let index = count > 0 ? Int.random(in: 0..<count, using: &draws) : 0
            let current = count > 0 ? files[name]?[index] ?? "" : ""
            let host = Int.random(in: 0..<8, using: &draws)
            switch Int.random(in: 0..<10, using: &draws) {
            case 0, 1, 2: if count > 0 { files[name]?[index] = Self.document(host, index, serial) }
            case 3: files[name, default: []].insert(Self.document(host, serial, serial), at: index)
            case 4: if count > 1 { files[name]?.remove(at: index) }
            case 5: if count > 0 { files[name]?[index] = "# moved down\n\n" + current }
            case 6: if count > 0 { files[name]?[index] = "apiVersion: v1\nkind: Service\nmetadata: {name: [unclosed\n" }
            case 7: if count > 0 { files[name]?[index] += "  nonsense: \(serial)\n" }
            case 8: files["d\(serial).yaml"] = [Self.document(host, serial, serial)]
            default: if names.count > 2 { files[name] = nil }
            }
        }

        private static let proxy = """
            apiVersion: outrider.dev/v1alpha1
            kind: Proxy
            metadata: {name: me, namespace: default}
            spec: {mode: sidecar, meshConfig: {proxyHttpPort: 15080}}

            """

        /// Of a host one of its kinds, with a value in it.
        private static func document(_ host: Int, _ kind: Int, _ value: Int) -> String {
            switch kind % 3 {
            case 0:
                """
                apiVersion: networking.istio.io/v1
                kind: ServiceEntry
                metadata: {name: s\(host)}
                spec:
                  hosts: [h\(host).example]
                  resolution: STATIC
                  ports: [{number: 80, name: http, protocol: HTTP}]
                  endpoints: [{address: 10.0.0.\(value % 200 + 1), labels: {version: v\(value % 2)}}]

                """
            case 1:
                """
                apiVersion: networking.istio.io/v1
                kind: VirtualService
                metadata: {name: v\(host)}
                spec:
                  hosts: [h\(host).example]
                  http:
                  - match: [{uri: {prefix: /\(value)}}]
                    route: [{destination: {host: h\(host).example, subset: v1}}]
                  - route: [{destination: {host: h\((host + value) % 8).example}}]

                """
            default:
                """
                apiVersion: networking.istio.io/v1
                kind: DestinationRule
                metadata: {name: d\(host)}
                spec:
                  host: h\(host).example
                  trafficPolicy: {connectionPool: {tcp: {maxConnections: \(value + 1)}}}
                  subsets: [{name: v1, labels: {version: v1}}]

                """
            }
        }
    }

    private struct Draws: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 33)
        }
    }

    @Test(
        "after any edits, resources, findings and plan are those of a first reading",
        arguments: (1...12).map(UInt64.init))
    func equality(seed: UInt64) {
        var directory = Directory(seed: seed)
        var files = DecodedFiles()
        var store = ResourceStore()
        var plainStore = ResourceStore()
        for step in 0..<60 {
            var fresh = DecodedFiles()
            let state = store.apply(files.update(directory.scan))
            // The same past, and nothing remembered of the files.
            let plain = plainStore.apply(fresh.update(directory.scan, threads: step % 3 + 1))
            #expect(state.resources == plain.resources)
            #expect(state.troubled == plain.troubled && state.diagnostics == plain.diagnostics)
            #expect(files.decodedCount <= fresh.decodedCount)
            if case (.success(let proxy), .success(let other)) = (
                ProxySelection.select(state.resources, name: nil), ProxySelection.select(plain.resources, name: nil)
            ) {
                let compiled = Compiler.compile(state.resources, proxy: proxy)
                let expected = Compiler.compile(plain.resources, proxy: other)
                #expect(compiled.plan.describe() == expected.plan.describe())
                #expect(compiled.plan == expected.plan && compiled.diagnostics == expected.diagnostics)
            } else {
                Issue.record("the Proxy is gone")
            }
            directory.edit()
        }
    }

    @Test("of a long file one document is decoded when one was changed, whatever the threads")
    func oneOfMany() {
        func scan(_ changed: Int) -> ConfigDirectory.Scan {
            let documents = (0..<1000).map { index in
                "apiVersion: v1\nkind: Service\nmetadata: {name: s\(index)}\nspec: {ports: [{port: \(index == changed ? 81 : 80)}]}\n"
            }
            return ConfigDirectory.Scan(
                files: [.init(path: "a.yaml", content: .text(documents.joined(separator: "---\n")))])
        }
        for threads in [1, 4] {
            var files = DecodedFiles()
            let first = files.update(scan(-1), threads: threads)[0].decoded
            #expect(files.decodedCount == 1000)
            #expect(first.resources.map(\.name) == (0..<1000).map { "s\($0)" })
            #expect(first.resources.map(\.location.line) == (0..<1000).map { $0 * 5 + 1 })
            let second = files.update(scan(500), threads: threads)[0].decoded
            #expect(files.decodedCount == 1)
            #expect(second.resources.indices.filter { second.resources[$0] != first.resources[$0] } == [500])
        }
    }
}
