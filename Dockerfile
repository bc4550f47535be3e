# Parley without its tests: docs/how-to/docker.md.
FROM node:24-slim
# glibc: returns large blocks to the system at once, as run.sh says.
ENV NODE_ENV=production MALLOC_MMAP_THRESHOLD_=1048576
WORKDIR /opt/parley
# .npmrc switches off the scripts of packages; none needs one.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force
COPY README.md LICENSE ./
COPY config ./config
COPY docs ./docs
COPY machines ./machines
COPY src ./src
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8000
# SIGTERM drains; SIGHUP reloads.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["node", "-e", "fetch('http://127.0.0.1:8000/health').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main.ts", "--config", "/etc/parley.yaml"]
