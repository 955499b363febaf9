import Foundation

extension HTTPRoute {
    init(_ node: YAMLNode) {
        name = node.string("name")
        match = node.list("match", HTTPMatch.init)
        route = node.list("route", RouteDestination.init)
        redirect = node.object("redirect", Redirect.init)
        directResponse = node.object("directResponse", DirectResponse.init)
        delegate = node.object("delegate", Delegate.init)
        rewrite = node.object("rewrite", Rewrite.init)
        timeoutMilliseconds = node.milliseconds("timeout")
        retries = node.object("retries", Retries.init)
        fault = node.object("fault", Fault.init)
        mirrors = node.list("mirrors", Mirror.init)
        if let mirror = node.object("mirror", Destination.init) { mirrors.append(Mirror(mirror, node)) }
        corsPolicy = node.object("corsPolicy", CorsPolicy.init)
        headers = node.object("headers", HeaderOperations.init) ?? HeaderOperations()
        location = node.location
    }
}

extension HTTPMatch {
    init(_ node: YAMLNode) {
        name = node.string("name")
        uri = node["uri"].map(StringMatch.init)
        scheme = node["scheme"].map(StringMatch.init)
        method = node["method"].map(StringMatch.init)
        authority = node["authority"].map(StringMatch.init)
        headers = Self.named(node["headers"])
        withoutHeaders = Self.named(node["withoutHeaders"])
        queryParams = Self.named(node["queryParams"])
        ignoreUriCase = node.bool("ignoreUriCase") ?? false
        port = node.int("port")
        sourceLabels = node.labels("sourceLabels")
        sourceNamespace = node.string("sourceNamespace")
        gateways = node.strings("gateways")
        statPrefix = node.string("statPrefix")
        location = node.location
    }

    private static func named(_ node: YAMLNode?) -> [NamedMatch] {
        node?.entries.map { NamedMatch(name: $0.key, match: StringMatch($0.value), location: $0.keyLocation) } ?? []
    }
}

extension StringMatch {
    init(_ node: YAMLNode) {
        if let exact = node.text("exact") {
            self = .exact(exact)
        } else if let prefix = node.text("prefix") {
            self = .prefix(prefix)
        } else if let regex = node.text("regex") {
            self = .regex(regex)
        } else {
            self = .present
        }
    }
}

// MARK: - Actions

extension Delegate {
    init(_ node: YAMLNode) {
        name = node.string("name")
        namespace = node.string("namespace")
        location = node.location
    }
}

extension Rewrite {
    init(_ node: YAMLNode) {
        uri = node.text("uri")
        authority = node.text("authority")
        uriRegexRewrite = node["uriRegexRewrite"].map {
            Pattern(match: $0.string("match"), rewrite: $0.string("rewrite"))
        }
        location = node.location
    }
}

extension Redirect {
    init(_ node: YAMLNode) {
        uri = node.text("uri")
        prefixRewrite = node.text("prefixRewrite")
        authority = node.text("authority")
        scheme = node.text("scheme")
        port = node.int("port")
        derivePort = node.choice("derivePort", DerivePort.self)
        redirectCode = node.int("redirectCode")
        location = node.location
    }
}

extension DirectResponse {
    init(_ node: YAMLNode) {
        status = node.int("status") ?? 0
        location = node.location
        guard let content = node["body"] else { return }
        if let text = content.text("string") {
            body = Array(text.utf8)
        } else if let data = content.text("bytes").flatMap({ Data(base64Encoded: $0) }) {
            body = Array(data)
        }
    }
}

extension Retries {
    init(_ node: YAMLNode) {
        attempts = node.int("attempts") ?? 0
        perTryTimeoutMilliseconds = node.milliseconds("perTryTimeout")
        retryOn = node.text("retryOn")
        retryRemoteLocalities = node.bool("retryRemoteLocalities")
        retryIgnorePreviousHosts = node.bool("retryIgnorePreviousHosts")
        backoffMilliseconds = node.milliseconds("backoff")
        location = node.location
    }
}

extension Mirror {
    init(_ node: YAMLNode) {
        destination = node.object("destination", Destination.init) ?? Destination()
        percentage = node["percentage"].map { $0.number("value") ?? 0 } ?? 100
        location = node.location
    }

    /// The single `mirror` of a route, whose percentage stands beside it in one of three spellings.
    init(_ destination: Destination, _ route: YAMLNode) {
        self.destination = destination
        if let percent = route["mirrorPercentage"] {
            percentage = percent.number("value") ?? 0
        } else if let percent = route.int("mirrorPercent") ?? route.int("mirror_percent") {
            percentage = Double(percent)
        }
        location = destination.location
    }
}

extension Fault {
    init(_ node: YAMLNode) {
        delay = node.object("delay", Delay.init)
        abort = node.object("abort", Abort.init)
        location = node.location
    }
}

extension Fault.Delay {
    init(_ node: YAMLNode) {
        fixedDelayMilliseconds = node.milliseconds("fixedDelay")
        exponentialDelayMilliseconds = node.milliseconds("exponentialDelay")
        percentage = node["percentage"].map { $0.number("value") ?? 0 } ?? node.number("percent")
        location = node.location
    }
}

extension Fault.Abort {
    init(_ node: YAMLNode) {
        httpStatus = node.int("httpStatus")
        grpcStatus = node.text("grpcStatus")
        http2Error = node.text("http2Error")
        percentage = node["percentage"].map { $0.number("value") ?? 0 }
        location = node.location
    }
}

extension CorsPolicy {
    init(_ node: YAMLNode) {
        allowOrigins = node.list("allowOrigins", StringMatch.init) + node.strings("allowOrigin").map { .exact($0) }
        allowMethods = node.strings("allowMethods")
        allowHeaders = node.strings("allowHeaders")
        exposeHeaders = node.strings("exposeHeaders")
        maxAgeMilliseconds = node.milliseconds("maxAge")
        allowCredentials = node.bool("allowCredentials")
        unmatchedPreflights = node.string("unmatchedPreflights")
        location = node.location
    }
}
