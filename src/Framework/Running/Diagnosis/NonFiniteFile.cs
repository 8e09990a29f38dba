using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Checkpoints.Safetensors;
using Tessera.Framework.Data;
using Tessera.Framework.Files;
using Tessera.Framework.Models;
using Tessera.Framework.Processes;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Running.Diagnosis;

/// <summary>
/// What a run saves that met a loss that isn't finite: the batch with its truth for training, the weights, the state of the random
/// generator, and the config, so that the batch can be run again for any task.
/// </summary>
public sealed class NonFiniteFile : IDisposable
{
    private const string Key = "nonfinite";
    private const string RunKey = "run";

    private const string Extra = "batch.extra_maps.";

    private readonly WeightsFile _file;

    private NonFiniteFile(WeightsFile file) => _file = file;

    /// <summary>The run: config, classes, task. null in files of earlier releases.</summary>
    public CheckpointInfo? Run { get; private init; }

    /// <summary>Where the run stood.</summary>
    public Progress Progress { get; private init; }

    /// <summary>The files of the batch.</summary>
    public IReadOnlyList<string> Files { get; private init; } = [];

    /// <summary>What the run found when it stopped.</summary>
    public string Finding { get; private init; } = "";

    /// <summary>What the run computed in.</summary>
    public ScalarType Precision { get; private init; } = ScalarType.Float32;

    /// <summary>Whether the run's images lay channels last in memory, which sums are rounded (and overflow) by.</summary>
    public bool ChannelsLast { get; private init; }

    /// <summary>Whether random numbers can be drawn as in the run; those of a GPU can't.</summary>
    public bool HasRandomState => Random.Length > 0;

    private byte[] Random { get; init; } = [];

    /// <exception cref="UserErrorException">No such file, another one, or a damaged one.</exception>
    public static NonFiniteFile Open(string path)
    {
        var file = WeightsFile.Open(path);
        try
        {
            if (!file.Metadata.TryGetValue(Key, out var text) || JsonNode.Parse(text) is not JsonObject about)
                throw new UserErrorException(
                    $"{path}\n  This was not saved by a run that met a loss that isn't finite. Expected: nonfinite_iter_N.safetensors "
                        + $"of its work dir."
                );
            return new NonFiniteFile(file)
            {
                Run = RunIn(text, path),
                Progress = new Progress(
                    (long)about["iteration"]!,
                    (long)about["total_iterations"]!,
                    (int)about["epoch"]!,
                    (int)about["total_epochs"]!
                ),
                Files = [.. about["files"]!.AsArray().Select(name => name!.GetValue<string>())],
                Finding = (string?)about["finding"] ?? "",
                Precision = (string?)about["precision"] is { } precision ? Enum.Parse<ScalarType>(precision) : ScalarType.Float32,
                ChannelsLast = (bool?)about["channels_last"] ?? false,
                Random = Convert.FromBase64String((string)about["random"]!),
            };
        }
        catch (Exception error)
        {
            file.Dispose();
            if (IsMalformed(error))
                throw new UserErrorException(
                    $"{path}\n  The file is damaged: what it says of the run can't be read ({error.Message}).",
                    error
                );
            throw;
        }
    }

    /// <summary>Runs the batch again, in the run's precision where the device has it.</summary>
    /// <param name="model">Built as the run's; it gets the weights of the file and is moved to the device.</param>
    /// <exception cref="UserErrorException">The weights are of another model, or the file is damaged.</exception>
    public NonFiniteFinding Replay(VisionModel model, Device? device = null)
    {
        device ??= CPU;
        using var scope = NewDisposeScope();
        Fill(model);
        model.to(device);
        model.train();
        using var batch = ReadBatch();
        if (ChannelsLast)
            model.ToChannelsLast();
        batch.Place(device, ChannelsLast);
        var precision = Precision == ScalarType.Float16 && device.type == DeviceType.CPU ? ScalarType.Float32 : Precision;
        var choice = new PrecisionChoice(precision, "as in the run");
        return NonFiniteReplay.Look(model, batch, Progress, Random, new ForwardOptimizers(() => choice.Enter(device.type)));
    }

    public void Dispose() => _file.Dispose();

    internal static void Save(
        string path,
        VisionModel model,
        Batch batch,
        Progress progress,
        byte[] random,
        NonFiniteFinding found,
        StepParts parts,
        CheckpointInfo run
    )
    {
        using var scope = NewDisposeScope();
        var tensors = model.state_dict().Select(entry => WeightSource.From($"model.{entry.Key}", entry.Value)).ToList();
        Add("batch.images", batch.Images);
        Add("batch.labels", batch.Labels);
        Add("batch.soft_labels", batch.SoftLabels);
        Add("batch.targets", batch.Targets);
        Add("batch.segmentation_maps", batch.SegmentationMaps);
        foreach (var (name, map) in batch.ExtraMaps)
            Add($"{Extra}{name}", map);
        tensors.AddRange(StoredTruth.Of(batch.Samples));
        var about = new JsonObject
        {
            ["iteration"] = progress.Iteration,
            ["total_iterations"] = progress.TotalIterations,
            ["epoch"] = progress.Epoch,
            ["total_epochs"] = progress.TotalEpochs,
            ["files"] = new JsonArray([.. batch.Samples.Select(sample => (JsonNode)sample.Name)]),
            // another device's can't be replayed on a CPU
            ["random"] = batch.Images.device_type == DeviceType.CPU ? Convert.ToBase64String(random) : "",
            ["finding"] = found.Describe(),
            ["precision"] = parts.Precision.Type.ToString(),
            ["channels_last"] = parts.ChannelsLast,
        };
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        AtomicFile.Write(
            path,
            stream => SafetensorsWriter.Write(stream, tensors, new Dictionary<string, string> { [Key] = Text(about, run) })
        );

        void Add(string name, Tensor? tensor)
        {
            if (tensor is not null)
                tensors.Add(WeightSource.From(name, tensor));
        }
    }

    private static CheckpointInfo? RunIn(string text, string path)
    {
        using var about = JsonDocument.Parse(text);
        return about.RootElement.TryGetProperty(RunKey, out var run) && run.ValueKind == JsonValueKind.Object
            ? CheckpointInfo.FromJson(run, path)
            : null;
    }

    private static string Text(JsonObject about, CheckpointInfo run)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            foreach (var (key, value) in about)
            {
                writer.WritePropertyName(key);
                value!.WriteTo(writer);
            }
            writer.WritePropertyName(RunKey);
            run.WriteTo(writer);
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private void Fill(VisionModel model)
    {
        using var _ = no_grad();
        foreach (var (name, target) in model.state_dict())
        {
            if (!_file.Tensors.TryGetValue($"model.{name}", out var info) || !info.Shape.SequenceEqual(target.shape))
                throw new UserErrorException(
                    $"{_file.Path}\n  The weights are of another model: {name} is "
                        + $"{(info is null ? "missing" : WeightInfo.ShapeText(info.Shape))}, expected {WeightInfo.ShapeText(target.shape)}."
                );
            using var stored = _file.Read($"model.{name}");
            target.copy_(stored);
        }
    }

    private Batch ReadBatch()
    {
        var batch = new Batch
        {
            Images = Optional("batch.images") ?? throw new UserErrorException($"{_file.Path}\n  The file is damaged: it holds no images."),
            Labels = Optional("batch.labels"),
            SoftLabels = Optional("batch.soft_labels"),
            Targets = Optional("batch.targets"),
            SegmentationMaps = Optional("batch.segmentation_maps"),
            Samples = [.. Files.Select((name, i) => StoredTruth.Read(_file, i, name))],
        };
        foreach (var name in _file.Tensors.Keys.Where(name => name.StartsWith(Extra, StringComparison.Ordinal)))
            batch.ExtraMaps[name[Extra.Length..]] = Optional(name)!;
        return batch;
    }

    private Tensor? Optional(string name) => _file.Tensors.ContainsKey(name) ? _file.Read(name).DetachFromDisposeScope() : null;

    private static bool IsMalformed(Exception error) => CheckpointHeader.IsMalformed(error) || error is OverflowException;
}
