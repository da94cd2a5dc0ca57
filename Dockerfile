# One filter as an image, by docker or buildah; what `cargo xtask oci` makes needs neither.
#
#   cargo xtask build
#   docker build --build-arg MODULE=rate-limit -t registry.example/rate-limit:0.1.0 .
#   docker push registry.example/rate-limit:0.1.0
#
# One stage and one COPY: Istio's agent looks into the last layer alone. With buildx add `--platform linux/amd64
# --provenance=false --sbom=false`, or it pushes an index, from which the agent takes linux/amd64 on every machine;
# with buildah `--format docker` or `oci`, either is taken.
FROM scratch
ARG MODULE=mesh-filters
LABEL mesh-filters.filter=$MODULE
COPY dist/$MODULE.wasm /plugin.wasm
