import Wire

// Slow paths for people: everything here may allocate and reads the specifications beside the records.

extension RouteTable {
    // MARK: - Explain

    /// The walk behind a decision: every rule of the virtual host, with what it missed by. The rule's match is the
    /// function that `decide` calls; the virtual host is found by the same index.
    package func explain(_ configuration: Int, _ head: Head, draw: UInt64) -> Explanation {
        let isKnown = specifications.indices.contains(configuration)
        let matchesPort = isKnown && specifications[configuration].matchesPort
        let host = String(decoding: lookedUpHost(matchesPort, head), as: UTF8.self)
        var explanation = Explanation(
            decision: Decision(outcome: .noVirtualHost),
            configuration: isKnown ? specifications[configuration].name : "",
            host: host, draw: draw)
        guard let position = virtualHost(configuration, head) else { return explanation }
        let specification = virtualHostSpecification(position)
        explanation.virtualHost = specification.name
        explanation.virtualHostProvenance = specification.provenance
        explanation.domain = domain(of: specification, for: host.lowercased())
        if virtualHosts[position].requiresTLS, forwardedProto(head) != .https {
            let outcome: Decision.Outcome = forwardedProto(head) == .other ? .requiresTLS : .noRoute
            explanation.decision = Decision(outcome: outcome, virtualHost: position)
            return explanation
        }
        let input = MatchInput(head)
        var chosen: Int32 = -1
        for route in virtualHosts[position].routes.indices {
            let rule = self.specification(of: route)
            let verdict: Explanation.Rule.Verdict
            if let miss = miss(route, input) {
                verdict = .missed(describe(miss, of: rule, input))
            } else if chosen < 0 {
                chosen = route
                verdict = .chosen
            } else {
                verdict = .shadowed
            }
            explanation.rules.append(
                Explanation.Rule(route: route, name: rule.name, provenance: rule.provenance, verdict: verdict))
        }
        guard chosen >= 0 else {
            explanation.decision = Decision(outcome: .noRoute, virtualHost: position)
            return explanation
        }
        let destination = destination(routes.at(chosen), draw: draw)
        explanation.decision = Decision(
            outcome: .route, virtualHost: position, route: chosen, destination: destination)
        explanation.choices = choices(chosen, destination: destination)
        return explanation
    }

    /// The chosen rule's destinations, those that can never be drawn left out.
    private func choices(_ route: Int32, destination: Int32) -> [Explanation.Choice] {
        guard case .forward(let action) = specification(of: route).action else { return [] }
        let drawn = action.destinations.count == 1 ? action.destinations : action.destinations.filter { $0.weight > 0 }
        let first = routes[route].destinations.start
        return drawn.enumerated().map { offset, entry in
            Explanation.Choice(
                cluster: entry.cluster, weight: entry.weight, isChosen: first + Int32(offset) == destination)
        }
    }

    /// The domain by which a virtual host was found: the exact one, the longest wildcard, `*`.
    private func domain(of specification: VirtualHostSpec, for host: String) -> String {
        if let exact = specification.domains.first(where: { $0.lowercased() == host }) { return exact }
        let wildcards = specification.domains.filter {
            $0.count > 1 && $0.hasPrefix("*") && host.count >= $0.count && host.hasSuffix($0.dropFirst().lowercased())
        }
        return wildcards.max { $0.count < $1.count } ?? "*"
    }

    private func describe(_ miss: Miss, of rule: RouteSpec, _ input: borrowing MatchInput) -> String {
        switch miss {
        case .path: return "path \"\(input.head.string(input.path))\" is not \(rule.path)"
        case .condition(let offset):
            let conditions = rule.conditions
            guard conditions.indices.contains(Int(offset)) else { return "a condition does not hold" }
            let condition = conditions[Int(offset)]
            let value = value(of: condition, input).map { "\"\($0)\"" } ?? "absent"
            let expected = condition.match.isInverted ? "must not be" : "must be"
            return "\(condition.label) \(expected) \(condition.match.match), it is \(value)"
        }
    }

    /// What the request has where a condition looks.
    private func value(of condition: RouteSpec.Condition, _ input: borrowing MatchInput) -> String? {
        let head = input.head
        if condition.isQuery {
            var name = condition.match.name
            return name.withUTF8 { queryParameter(UnsafeRawBufferPointer($0), in: input.query, of: head) }
                .map { String(decoding: $0, as: UTF8.self) }
        }
        switch condition.match.name.lowercased() {
        case ":method": return head.string(head.methodSlice)
        case ":authority", "host": return head.string(head.authority)
        case ":scheme": return head.schemeIsHTTPS ? "https" : "http"
        case ":path": return head.string(head.path)
        case let name:
            let values = (0..<head.fieldCount).filter {
                !head.fields[$0].isRemoved && head.string(head.fields[$0].name).lowercased() == name
            }
            return values.isEmpty ? nil : values.map { head.string(head.fields[$0].value) }.joined(separator: ",")
        }
    }

    // MARK: - Names and places

    /// A route's name, for people.
    package func routeName(_ route: Int32) -> String { specification(of: route).name }

    /// A virtual host's name, for people.
    package func virtualHostName(_ virtualHost: Int32) -> String { virtualHostSpecification(virtualHost).name }

    /// Where a route comes from.
    package func provenance(ofRoute route: Int32) -> Provenance { specification(of: route).provenance }

    /// What a route was built from.
    package func specification(of route: Int32) -> RouteSpec {
        let host = routes[route].virtualHost
        return virtualHostSpecification(host).routes[Int(route - virtualHosts[host].routes.start)]
    }

    private func virtualHostSpecification(_ virtualHost: Int32) -> VirtualHostSpec {
        let configuration = virtualHosts[virtualHost].configuration
        let first = configurations[configuration].virtualHosts.start
        return specifications[Int(configuration)].virtualHosts[Int(virtualHost - first)]
    }

    // MARK: - Describe

    /// Everything that the table serves, as it was given, for `/config_dump`.
    package func describe() -> [RouteConfigurationSpec] { specifications }
}
