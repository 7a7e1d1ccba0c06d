# Postern in a container: no root, no writable file system but the state's, no shell used.
#   docker build -t postern .
#   docker run --read-only -v ./postern.yaml:/etc/postern/postern.yaml:ro -v postern:/var/lib/postern postern

FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN ["npm", "ci", "--no-audit", "--no-fund"]
COPY . .
RUN ["npm", "run", "build"]
RUN ["npm", "prune", "--omit=dev", "--no-audit", "--no-fund"]
RUN ["mkdir", "state"]

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
# A new volume takes over the owner of what it is mounted on: store: { sqlite: /var/lib/postern/postern.db }
COPY --from=build --chown=1000:1000 /build/state /var/lib/postern
USER 1000:1000
# Checks over http, checks over https, health and metrics: the policy decides which of them listen, and where.
EXPOSE 8081 8443 8082
# Asks the health listener of `listen: { health: 127.0.0.1:8082 }`.
HEALTHCHECK --interval=10s --timeout=2s --start-period=5s --retries=3 \
  CMD ["node", "--eval", "fetch('http://127.0.0.1:8082/readyz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/cli/main.js"]
CMD ["serve", "/etc/postern/postern.yaml"]
