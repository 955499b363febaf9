import Routing
import Testing

@testable import Compile
@testable import Istio
@testable import Plan

@Suite struct DelegationTests {
    private func compile(root: String, delegate: String, more: String = "") -> CompiledPlan {
        let texts = [
            istio(
                "Gateway", "gw", in: "root", "servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]"
            ),
            istio("VirtualService", "root", in: "root", "hosts: [a.com]\ngateways: [gw]\nhttp:\n" + root),
            istio("VirtualService", "part", in: "team", more + "http:\n" + delegate),
            service("app", in: "team"),
        ]
        return Compiler.compile(texts.flatMap { resources($0) }, proxy: gateway { $0.metadata.namespace = "root" })
    }

    private let root =
        "- name: r\n  match: [{uri: {prefix: /team}}]\n  timeout: 3s\n  delegate: {name: part, namespace: team}\n- directResponse: {status: 204}\n"

    @Test("the delegate's rules stand in the place of the root's, its short names mean its own namespace")
    func inPlace() {
        let compiled = compile(
            root: root,
            delegate:
                "- name: d\n  match: [{uri: {prefix: /team/a}}]\n  route: [{destination: {host: app}}]\n- route: [{destination: {host: app}}]"
        )
        #expect(
            compiled.routes("a.com")?.map(\.path) == [
                .prefix("/team/a", ignoreCase: false), .prefix("/team", ignoreCase: false), .any,
            ])
        #expect(compiled.targets("a.com")?[0] == ["outbound|80||app.team.svc.cluster.local"])
        #expect(compiled.routes("a.com")?[0].name == "r-d")
        #expect(compiled.routes("a.com")?[0].provenance.rule == "http[0].match[0] \"d\" by root/root http[0] \"r\"")
        guard case .forward(let forward)? = compiled.routes("a.com")?[0].action else { return }
        #expect(forward.timeoutMilliseconds == 3000)
    }

    @Test("a rule of the delegate that contradicts the root is dropped and told")
    func contradiction() {
        let compiled = compile(
            root: root,
            delegate:
                "- match: [{uri: {prefix: /other}}]\n  route: [{destination: {host: app}}]\n- match: [{uri: {exact: /team/x}}]\n  route: [{destination: {host: app}}]"
        )
        #expect(compiled.routes("a.com")?.map(\.path) == [.exact("/team/x", ignoreCase: false), .any])
        #expect(compiled.tells("http[0] contradicts every match of VirtualService root/root http[0] \"r\""))
    }

    @Test("regular expressions on both sides contradict each other, even equal ones")
    func expressions() {
        let compiled = compile(
            root: "- match: [{uri: {regex: /a.*}}]\n  delegate: {name: part, namespace: team}",
            delegate: "- match: [{uri: {regex: /a.*}}]\n  route: [{destination: {host: app}}]")
        #expect(compiled.routes("a.com") == nil)
    }

    @Test("a missing or hidden delegate takes its entry away and leaves the others")
    func missing() {
        let gone = compile(
            root: root.replacing("part", with: "gone"), delegate: "- route: [{destination: {host: app}}]")
        #expect(gone.routes("a.com")?.map(\.path) == [.any])
        #expect(gone.tells("delegates to VirtualService team/gone, which does not exist"))
        let hidden = compile(root: root, delegate: "- route: [{destination: {host: app}}]", more: "exportTo: ['.']\n")
        #expect(hidden.routes("a.com")?.map(\.path) == [.any])
        #expect(hidden.tells("which is not exported to namespace root"))
    }
}
