import Foundation
import HTTP1
import Testing
import Wire

@testable import Compile
@testable import Istio
@testable import Plan
@testable import Routing

/// Answers of the real Istio and Envoy to random rules, against ours: a request's bytes through parser, normalisation, decision
/// and edits. Lines whose rule asks for what is not honoured yet are counted apart.
@Suite(.enabled(if: Shared.exists)) struct GoldenRoutingTests {
    @Test("every line of the routing goldens holds", arguments: ["g11", "g12"])
    func lines(folder: String) throws {
        let mesh = try GoldenMesh(folder)
        var held = 0
        var apart = 0
        var failures: [String] = []
        for line in try Shared.text("vectors/routing-golden/\(folder)/golden.jsonl").split(separator: "\n") {
            let golden = try JSONDecoder().decode(Golden.self, from: Data(line.utf8))
            switch mesh.judge(golden) {
            case .holds: held += 1
            case .apart: apart += 1
            case .fails(let reason): failures.append("\(reason): \(line.prefix(600))")
            }
        }
        print("routing goldens \(folder): \(held) hold, \(apart) apart, \(failures.count) fail")
        for failure in failures.prefix(10) { print(failure) }
        #expect(failures.isEmpty)
        #expect(held > 1_000)
    }
}

private struct Golden: Decodable {
    struct Request: Decodable {
        var host: String
        var method: String
        var target: String
        var headers: [String: String]
    }
    struct Answer: Decodable {
        var status: Int
        var cluster: String?
        var target: String?
        var location: String?
        var body: String?
        var req_headers: [[String]]?
        var resp_headers: [[String]]
    }
    var request: Request
    var answer: Answer
}

/// What came of one request, as far as a golden line tells it.
private struct Outcome: Equatable {
    var status = 0
    var cluster: String?
    var target: String?
    var location: String?
    var requestHeaders: [String]?
    var responseHeaders: [String] = []
}

private final class GoldenMesh {
    enum Verdict {
        case holds, apart
        case fails(String)
    }

    private let compiled: CompiledPlan
    private let table: RouteTable
    private let rules: [String: VirtualService]
    private let names: Set = ["x-set", "x-add", "x-env", "x-up2"]

    init(_ folder: String) throws {
        let text = try Shared.text("vectors/routing-golden/\(folder)/objects.yaml")
        let listener = istio(
            "Sidecar", "default", "egress: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*/*']}]")
        let all = resources(text, listener)
        compiled = Compiler.compile(all, proxy: sidecar(proxyPort: 0))
        #expect(compiled.plan.listeners.map(\.name) == ["outbound|80"])
        table = RouteTable(compiled.plan.routeConfigurations, seed: 1)
        var rules: [String: VirtualService] = [:]
        for case .virtualService(let service) in all { rules[service.metadata.name] = service }
        self.rules = rules
    }

    func judge(_ golden: Golden) -> Verdict {
        let head = Head()
        var text = "\(golden.request.method) \(golden.request.target) HTTP/1.1\r\nhost: \(golden.request.host)\r\n"
        for (name, value) in golden.request.headers.sorted(by: { $0.key < $1.key }) { text += "\(name): \(value)\r\n" }
        text += "\r\n"
        let parsed = text.withUTF8 { RequestHead.parse(UnsafeRawBufferPointer($0), into: head) }
        guard case .complete = parsed else { return .fails("not parsed: \(parsed)") }
        guard PathNormalizer.normalize(head, mode: .base) else { return .fails("not normalised") }
        let decision = table.decide(0, head, draw: 0)
        #expect(table.explain(0, head, draw: 0).decision == decision)

        let rule = decision.route < 0 ? nil : self.rule(of: table.provenance(ofRoute: decision.route))
        if rule?.fault != nil { return .apart }
        if rule?.corsPolicy != nil, golden.request.headers["origin"] != nil { return .apart }
        let ours = outcome(decision, head, golden)
        let theirs = expected(golden)
        return ours == theirs ? .holds : .fails("\nours   \(ours)\ntheirs \(theirs)\n")
    }

    /// The entry of `http` that a provenance names.
    private func rule(of provenance: Provenance) -> HTTPRoute? {
        guard let http = rules[provenance.name]?.http, let close = provenance.rule.firstIndex(of: "]"),
            let index = Int(provenance.rule[..<close].dropFirst("http[".count)), http.indices.contains(index)
        else { return nil }
        return http[index]
    }

    private func expected(_ golden: Golden) -> Outcome {
        let answer = golden.answer
        return Outcome(
            status: answer.status, cluster: answer.cluster, target: answer.target, location: answer.location,
            requestHeaders: answer.req_headers.map { lines in
                lines.filter { $0[0] != "content-length" }.map { "\($0[0]): \($0[1])" }.sorted()
            },
            responseHeaders: answer.resp_headers.filter { names.contains($0[0]) }.map { "\($0[0]): \($0[1])" }.sorted())
    }

    private func outcome(_ decision: Decision, _ head: Head, _ golden: Golden) -> Outcome {
        var outcome = Outcome()
        let context = FormatContext()
        let answer = Head()
        guard decision.outcome == .route else {
            outcome.status = 404
            return outcome
        }
        let record = table.route(decision.route)
        switch record.action {
        case .redirect:
            table.redirectReply(decision, request: head, into: answer, context: context)
            outcome.status = Int(answer.status)
        case .direct:
            _ = table.directReply(decision, request: head, into: answer, context: context)
            outcome.status = Int(answer.status)
        case .forward:
            let cluster = table.cluster(of: decision.destination)
            table.applyRequest(decision, to: head, context: context)
            // What the echo server behind the cluster was told to do, and what the rule's timeout makes of it.
            let delay = (Double(golden.request.headers["x-echo-delay"] ?? "") ?? 0) * 1000
            if cluster == RouteTable.unknownCluster || cluster == RouteTable.passthroughCluster {
                outcome.status = 503
            } else if record.timeoutMilliseconds > 0, delay > Double(record.timeoutMilliseconds) {
                outcome.status = 504
            } else {
                outcome.status = Int(golden.request.headers["x-echo-status"] ?? "") ?? 200
                outcome.cluster = compiled.plan.clusters[Int(cluster)].name
                // The echo answers HEAD and some statuses without a body, so the line does not say what it saw.
                if golden.answer.target != nil {
                    outcome.target = head.string(head.path)
                    outcome.requestHeaders = lines(of: head) { name in
                        !name.hasPrefix("x-envoy-") && name != "content-length"
                    }
                }
            }
            // By this field the line knows who answered, where no body tells it: a rule may remove it.
            answer.appendField(name: answer.append("x-up" as String), value: answer.append("1" as String), id: .other)
            table.applyResponse(decision, to: answer, request: head, context: context)
            if golden.request.method == "HEAD", lines(of: answer, where: { $0 == "x-up" }).isEmpty {
                outcome.cluster = nil
            }
        }
        outcome.location = answer.value(of: .location).map { answer.string($0) }
        outcome.responseHeaders = lines(of: answer) { names.contains($0) }
        return outcome
    }

    private func lines(of head: Head, where admits: (String) -> Bool) -> [String] {
        (0..<head.fieldCount).filter { !head.fields[$0].isRemoved }
            .map { (head.string(head.fields[$0].name).lowercased(), head.string(head.fields[$0].value)) }
            .filter { admits($0.0) }.map { "\($0.0): \($0.1)" }.sorted()
    }
}
