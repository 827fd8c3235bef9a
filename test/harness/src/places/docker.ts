import { images } from "../images.ts";
import { END_WITHIN_MS, type Place, type Program, type ServerProcess } from "../place.ts";
import { identity, isGone } from "../run-directory.ts";

type Runtime = typeof import("testcontainers");
type Container = ReturnType<
  Awaited<ReturnType<Runtime["getContainerRuntimeClient"]>>["container"]["getById"]
>;

/** Marks our containers with the process that owns them, for the sweep after a crash. */
const OWNER_LABEL = "org.headroom.owner";
const NAME_LABEL = "org.headroom.server";

/**
 * testcontainers is loaded only where Docker is used. Its own reaper needs one more image and ends
 * containers by session; our owner label does the same for the containers of dead processes only.
 */
async function testcontainers(): Promise<Runtime> {
  process.env["TESTCONTAINERS_RYUK_DISABLED"] ??= "true";
  return import("testcontainers");
}

/** Servers as containers on the host's network: same addresses and ports as local processes. */
export const dockerPlace: Place = {
  kind: "docker",
  create: (program) => new ContainerProcess(program),
};

/** Whether an engine answers. */
export async function dockerAnswers(): Promise<boolean> {
  return (await engine()) !== undefined;
}

/**
 * Whether the engine's host network is this machine's: not so in the virtual machine of Docker
 * Desktop (unless it is set so), nor with a rootless engine.
 */
export async function dockerSharesOurNetwork(): Promise<boolean> {
  const about: { OperatingSystem?: string; SecurityOptions?: string[] } | undefined =
    await engine();
  return (
    about !== undefined &&
    process.platform === "linux" &&
    about.OperatingSystem !== "Docker Desktop" &&
    !about.SecurityOptions?.some((option) => option.includes("rootless"))
  );
}

/** What the engine says of itself; `undefined` when none answers. */
async function engine(): Promise<object | undefined> {
  try {
    const { getContainerRuntimeClient } = await testcontainers();
    return await (await getContainerRuntimeClient()).container.dockerode.info();
  } catch {
    return undefined;
  }
}

/** Whether every image is on this machine, after trying to pull those that are not. */
export async function dockerHasImages(): Promise<boolean> {
  const { getContainerRuntimeClient, ImageName } = await testcontainers();
  const client = await getContainerRuntimeClient();
  for (const { image } of Object.values(images)) {
    const name = ImageName.fromString(image);
    if (await client.image.exists(name)) continue;
    try {
      await client.image.pull(name);
    } catch {
      return false;
    }
  }
  return true;
}

/** Removes the containers of runs whose process is gone, stopped ones too. Returns their names. */
export async function sweepDeadContainers(): Promise<string[]> {
  const { getContainerRuntimeClient } = await testcontainers();
  const { container } = await getContainerRuntimeClient();
  const ours = await container.dockerode.listContainers({
    all: true,
    filters: { label: [OWNER_LABEL] },
  });
  const left = ours.filter((info) => isGone(info.Labels[OWNER_LABEL] ?? ""));
  await Promise.all(left.map((info) => removeContainer(container.getById(info.Id))));
  return left.map((info) => info.Labels[NAME_LABEL] ?? info.Id);
}

class ContainerProcess implements ServerProcess {
  readonly #program: Program;
  #container: Container | undefined;
  #starting: Promise<void> | undefined;

  constructor(program: Program) {
    this.#program = program;
  }

  start(): Promise<void> {
    this.#starting = this.#container ? this.#container.start() : this.#run();
    return this.#starting;
  }

  async stop(): Promise<void> {
    await this.resume();
    await this.#end(this.#program.stopSignal);
  }

  async kill9(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async pause(): Promise<void> {
    await this.#container?.pause();
  }

  async resume(): Promise<void> {
    if (this.#container && (await this.#container.inspect()).State.Paused) {
      await this.#container.unpause();
    }
  }

  async logs(): Promise<string> {
    if (!this.#container) return "";
    const raw = await this.#container.logs({ stdout: true, stderr: true, follow: false });
    return demultiplex(raw);
  }

  async isRunning(): Promise<boolean> {
    return this.#container !== undefined && (await this.#container.inspect()).State.Running;
  }

  async destroy(): Promise<void> {
    await this.#starting?.catch(() => {});
    if (this.#container) await removeContainer(this.#container);
    this.#container = undefined;
  }

  async #end(signal: string): Promise<void> {
    const container = this.#container;
    if (!container || !(await this.isRunning())) return;
    await container.kill({ signal });
    const timer = setTimeout(
      () => container.kill({ signal: "SIGKILL" }).catch(() => {}),
      END_WITHIN_MS,
    );
    await container.wait();
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    const { GenericContainer, StartupCheckStrategy, getContainerRuntimeClient } =
      await testcontainers();
    // Whether the server answers is asked by whoever started it, in the same way everywhere.
    const started = new (class extends StartupCheckStrategy {
      override checkStartupState = async () => "SUCCESS" as const;
    })();
    const { image, user, directory } = images[this.#program.engine];
    const container = await new GenericContainer(image)
      .withNetworkMode("host")
      .withUser(user)
      .withWorkingDir(directory)
      .withEntrypoint(["sh", "-ec", this.#program.script])
      .withLabels({
        [OWNER_LABEL]: identity(process.pid),
        [NAME_LABEL]: this.#program.name,
      })
      .withWaitStrategy(started)
      .start();
    this.#container = (await getContainerRuntimeClient()).container.getById(container.getId());
  }
}

async function removeContainer(container: Container): Promise<void> {
  try {
    await container.remove({ force: true, v: true });
  } catch (error) {
    // 404: gone already. 409: somebody is removing it at this moment.
    const status = (error as { statusCode?: number }).statusCode;
    if (status !== 404 && status !== 409) throw error;
  }
}

/** Docker's log stream without a terminal: frames of [stream, 0, 0, 0, length as uint32] + bytes. */
function demultiplex(raw: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= raw.length; ) {
    const length = raw.readUInt32BE(at + 4);
    parts.push(raw.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(parts).toString("utf8");
}
