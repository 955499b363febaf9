import Compile
import Istio

/// Resources to a plan: the one place where Control calls Compile.
func compile(_ resources: [Resource], for proxy: ProxyResource) -> CompiledPlan {
    Compiler.compile(resources, proxy: proxy)
}
