import Routing
import Testing

@testable import Compile
@testable import Istio
@testable import Plan

/// What one rule becomes.
@Suite struct RouteTests {
    private func compile(_ rule: String, _ change: (inout ProxyResource) -> Void = { _ in }) -> CompiledPlan {
        Compiler.compile(
            resources(
                service("reviews"), service("ratings"),
                istio("VirtualService", "r", "hosts: [reviews]\nhttp:\n- " + rule)),
            proxy: sidecar("default", change))
    }

    private func forward(_ rule: String, _ change: (inout ProxyResource) -> Void = { _ in }) -> ForwardAction? {
        let route = compile("route: [{destination: {host: reviews}}]\n  " + rule, change).routes("reviews")?.first
        guard case .forward(let forward)? = route?.action else { return nil }
        return forward
    }

    @Test("headers: lower case, sorted, authority apart, set before add; what cannot be changed is told")
    func headers() {
        let operations = forward(
            "headers: {request: {set: {X-B: '1', x-a: '2', Host: one.test}, add: {':authority': two.test, x-c: '3'}, remove: [X-D]}}"
        )?.requestHeaders
        #expect(operations?.set == [HeaderValue(name: "x-a", value: "2"), HeaderValue(name: "x-b", value: "1")])
        #expect(operations?.add == [HeaderValue(name: "x-c", value: "3")])
        #expect(operations?.remove == ["x-d"])
        #expect(operations?.authority == "one.test")
    }

    @Test(
        "retries: none at 0 attempts, the default's conditions unless named, codes among tokens, explicit when written")
    func retries() {
        #expect(forward("timeout: 1s")?.retry == .istioDefault)
        #expect(forward("retries: {attempts: 0}")?.retry.attempts == 0)
        let plain = forward("retries: {attempts: 3, perTryTimeout: 2s}")?.retry
        #expect(plain?.conditions == RetryPolicy.istioDefault.conditions)
        #expect(plain?.isExplicit == true)
        #expect(plain?.perTryTimeoutMilliseconds == 2000)
        let named = forward(
            "retries: {attempts: 3, retryOn: 'gateway-error,connect-failure,503', retryRemoteLocalities: true, retryIgnorePreviousHosts: false, backoff: 100ms}"
        )?.retry
        #expect(named?.conditions == [.gatewayError, .connectFailure, .retriableStatusCodes])
        #expect(named?.statusCodes == [503])
        #expect(named?.backoffMilliseconds == 100)
        #expect(named?.ignoresPreviousHosts == false)
        #expect(named?.triesRemoteLocalities == true)
        #expect(
            forward("timeout: 1s\n  retries: {attempts: 1, perTryTimeout: 2s}")?.retry.perTryTimeoutMilliseconds == nil)
    }

    @Test("the mesh's retry policy is that of routes without their own")
    func meshRetries() {
        var policy = Retries()
        policy.attempts = 5
        policy.retryOn = "5xx"
        let retry = forward("timeout: 1s") { $0.meshConfig.defaultHttpRetryPolicy = policy }?.retry
        #expect(retry?.attempts == 5)
        #expect(retry?.conditions == [.serverError])
    }

    @Test("mirrors count in millionths; a share of 0 is no mirror")
    func mirrors() {
        #expect(
            forward("mirror: {host: ratings}\n  mirrorPercentage: {value: 0.5}")?.mirrors.map(\.partsPerMillion) == [
                5000
            ])
        #expect(forward("mirror: {host: ratings}")?.mirrors.map(\.partsPerMillion) == [1_000_000])
        #expect(forward("mirror: {host: ratings}\n  mirrorPercentage: {value: 0}")?.mirrors.isEmpty == true)
        #expect(
            forward(
                "mirrors: [{destination: {host: ratings}, percentage: {value: 10}}, {destination: {host: ratings}}]")?
                .mirrors.map(\.partsPerMillion) == [100_000, 1_000_000])
    }

    @Test("rewrites and timeouts arrive")
    func rewrites() {
        let action = forward("timeout: 1500ms\n  rewrite: {uri: /new, authority: b.com}")
        #expect(action?.rewrite == Rewrite(uri: "/new", authority: "b.com"))
        #expect(action?.timeoutMilliseconds == 1500)
        #expect(
            forward("rewrite: {uriRegexRewrite: {match: '^/a', rewrite: /b}}")?.rewrite
                == Rewrite(regex: "^/a", regexReplacement: "/b"))
    }

    @Test("match blocks become routes of their own, in order, named for logs")
    func names() {
        let compiled = compile(
            "name: rule\n  match: [{name: one, uri: {exact: /1}}, {method: {exact: GET}, headers: {Host: {prefix: a}, x: {}}, withoutHeaders: {y: {regex: '*'}}, queryParams: {K: {exact: v}}}]\n  directResponse: {status: 200, body: {string: hi}}"
        )
        let routes = compiled.routes("reviews") ?? []
        #expect(routes.map(\.name) == ["rule.one", "rule"])
        #expect(routes.map(\.provenance.rule) == ["http[0].match[0] \"rule\"", "http[0].match[1] \"rule\""])
        #expect(routes.last?.method == .exact("GET"))
        #expect(
            Set(routes.last?.headers ?? []) == [
                NamedMatch(name: ":authority", match: .prefix("a")), NamedMatch(name: "x", match: .present),
                NamedMatch(name: "y", match: .present, isInverted: true),
            ])
        #expect(routes.last?.queryParameters == [NamedMatch(name: "K", match: .exact("v"))])
    }

    @Test("weights stay as they are written")
    func weights() {
        let compiled = compile(
            "route: [{destination: {host: reviews}, weight: 0}, {destination: {host: ratings}, weight: 100}]")
        guard case .forward(let forward)? = compiled.routes("reviews")?[0].action else { return }
        #expect(forward.destinations.map(\.weight) == [0, 100])
    }

    @Test("an expression that cannot be compiled takes its block away with an error, never the process")
    func brokenExpression() {
        var service = VirtualService(metadata: Metadata(name: "r"))
        service.hosts = ["reviews"]
        var rule = HTTPRoute()
        var match = HTTPMatch()
        match.uri = .regex("(")
        rule.match = [match]
        rule.directResponse = DirectResponse()
        service.http = [rule]
        let compiled = Compiler.compile(resources(Self.reviews) + [.virtualService(service)], proxy: sidecar())
        #expect(compiled.targets("reviews") == [["outbound|80||reviews.default.svc.cluster.local"]])
        #expect(compiled.diagnostics.hasErrors)
        #expect(compiled.tells("the expression '(' cannot be used"))
    }

    private static let reviews = service("reviews")
}
