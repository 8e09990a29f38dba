using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Checkpoints.Safetensors;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Running.Diagnosis;

/// <summary>What a replay of a batch showed.</summary>
/// <param name="Terms">The losses that are not finite, with their values.</param>
/// <param name="Module">The first module whose output is not finite, and its type; null where none is.</param>
/// <param name="Weight">The first weight that was not finite beforehand.</param>
/// <param name="Input">Whether the images themselves are not finite.</param>
public sealed record NonFiniteFinding(IReadOnlyDictionary<string, double> Terms, string? Module, string? Weight, bool Input)
{
    /// <summary>In one sentence or two.</summary>
    public string Describe()
    {
        var terms = Terms.Count == 0
            ? "The replay gave finite losses."
            : "Term: " + string.Join(", ", Terms.Select(term => $"{term.Key} = {term.Value.ToString(CultureInfo.InvariantCulture)}")) + ".";
        var cause = Input ? " The images of the batch are not finite themselves."
            : Weight is not null ? $" The weight {Weight} was not finite before: a gradient of an earlier step was too large; see clip_grad."
            : Module is not null ? $" First module with such an output: {Module}."
            : " Every module's output is finite, so the loss itself made it.";
        return terms + cause;
    }
}

/// <summary>Runs one batch again and looks at every module's output.</summary>
public sealed class NonFiniteReplay(Func<IDisposable> autocast)
{
    private const string Key = "nonfinite";

    /// <summary>Loads what a stopped run saved (<c>nonfinite_iter_N.safetensors</c>) and runs it again.</summary>
    public static NonFiniteFinding Replay(VisionModel model, string path)
    {
        using var file = WeightsFile.Open(path);
        if (!file.Metadata.TryGetValue(Key, out var text) || JsonNode.Parse(text) is not JsonObject about)
            throw new UserErrorException($"{path} was not saved by a run that met a loss that isn't finite.");
        using var scope = NewDisposeScope();
        using (no_grad())
            foreach (var (name, tensor) in model.state_dict()) tensor.copy_(file.Read($"model.{name}"));
        using var batch = new Batch
        {
            Images = file.Read("batch.images").DetachFromDisposeScope(),
            Labels = Optional("batch.labels"),
            SoftLabels = Optional("batch.soft_labels"),
            Targets = Optional("batch.targets"),
            SegmentationMaps = Optional("batch.segmentation_maps"),
            Samples = [.. about["files"]!.AsArray().Select((name, index) => new Sample { Index = index, Name = (string)name! })],
        };
        var progress = new Progress((long)about["iteration"]!, (long)about["total_iterations"]!, (int)about["epoch"]!, (int)about["total_epochs"]!);
        model.train();
        return new NonFiniteReplay(() => PrecisionChoice.Full.Enter(DeviceType.CPU)).Look(model, batch, progress, Convert.FromBase64String((string)about["random"]!));

        Tensor? Optional(string name) => file.Tensors.ContainsKey(name) ? file.Read(name).DetachFromDisposeScope() : null;
    }

    internal static void Save(string path, VisionModel model, Batch batch, Progress progress, byte[] random, NonFiniteFinding found)
    {
        var tensors = model.state_dict().Select(entry => WeightSource.From($"model.{entry.Key}", entry.Value)).ToList();
        Add("batch.images", batch.Images);
        Add("batch.labels", batch.Labels);
        Add("batch.soft_labels", batch.SoftLabels);
        Add("batch.targets", batch.Targets);
        Add("batch.segmentation_maps", batch.SegmentationMaps);
        foreach (var (name, map) in batch.ExtraMaps) Add($"batch.extra_maps.{name}", map);
        var about = new JsonObject
        {
            ["iteration"] = progress.Iteration,
            ["total_iterations"] = progress.TotalIterations,
            ["epoch"] = progress.Epoch,
            ["total_epochs"] = progress.TotalEpochs,
            ["files"] = new JsonArray([.. batch.Samples.Select(sample => (JsonNode)sample.Name)]),
            ["random"] = batch.Images.device_type == DeviceType.CPU ? Convert.ToBase64String(random) : "", // another device's can't be replayed on a CPU
            ["finding"] = found.Describe(),
        };
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var stream = File.Create(path);
        SafetensorsWriter.Write(stream, tensors, new Dictionary<string, string> { [Key] = about.ToJsonString() });

        void Add(string name, Tensor? tensor)
        {
            if (tensor is not null) tensors.Add(WeightSource.From(name, tensor));
        }
    }

    internal NonFiniteFinding Look(VisionModel model, Batch batch, Progress progress, byte[] random)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        if (random.Length > 0) RandomState.Set(batch.Images.device, random);
        var weight = model.named_parameters().Where(entry => !IsFinite(entry.parameter)).Select(entry => entry.name).FirstOrDefault();
        string? first = null;
        var removers = new List<Action>();
        foreach (var (name, module) in model.named_modules())
        {
            if (Watch(module, output => first ??= Bad(output) ? $"{name} ({module.GetType().Name})" : null) is { } remove) removers.Add(remove);
        }
        try
        {
            LossMap losses;
            using (autocast()) losses = model.Loss(batch, progress);
            var terms = losses.Select(loss => (loss.Key, Value: loss.Value.detach().to(ScalarType.Float64).item<double>()))
                .Where(term => !double.IsFinite(term.Value)).ToDictionary(term => term.Key, term => term.Value);
            return new NonFiniteFinding(terms, first, weight, !IsFinite(batch.Images));
        }
        finally
        {
            foreach (var remove in removers) remove();
        }
    }

    private static Action? Watch(nn.Module module, Action<Tensor[]> see)
    {
        return module switch
        {
            nn.Module<Tensor, Tensor> m => m.register_forward_hook((_, _, output) => See(output)).remove,
            nn.Module<Tensor, Tensor[]> m => m.register_forward_hook((_, _, output) => SeeAll(output)).remove,
            nn.Module<Tensor[], Tensor> m => m.register_forward_hook((_, _, output) => See(output)).remove,
            nn.Module<Tensor[], Tensor[]> m => m.register_forward_hook((_, _, output) => SeeAll(output)).remove,
            nn.Module<Tensor, Tensor, Tensor> m => m.register_forward_hook((_, _, _, output) => See(output)).remove,
            nn.Module<Tensor, Tensor, Tensor, Tensor> m => m.register_forward_hook((_, _, _, _, output) => See(output)).remove,
            _ => null,
        };

        Tensor See(Tensor output)
        {
            see([output]);
            return output;
        }

        Tensor[] SeeAll(Tensor[] output)
        {
            see(output);
            return output;
        }
    }

    private static bool Bad(Tensor[] outputs) => outputs.Any(output => !IsFinite(output));

    private static bool IsFinite(Tensor tensor)
    {
        if (!tensor.is_floating_point()) return true;
        using var scope = NewDisposeScope();
        return tensor.detach().isfinite().all().item<bool>();
    }
}
