# visavis on a CPU: docker build -t visavis . && docker run --rm -v "$PWD:/photos" visavis verify a.jpg b.jpg
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir -c constraints.txt '.[heif,postgres,serve]'

FROM python:3.11-slim
RUN useradd --create-home visavis
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH VISAVIS_CACHE=/home/visavis/cache
USER visavis
# A volume that is mounted here belongs to the user as the folder does.
RUN mkdir -p /home/visavis/.local/share/visavis
# Fold the default model once, so that containers start ready and need no network.
RUN visavis doctor
WORKDIR /photos
EXPOSE 8472
ENTRYPOINT ["visavis"]
CMD ["--help"]
