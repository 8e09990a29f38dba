using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Features;

/// <summary>Fills a model, but for its head, with weights that were trained for whatever classes.</summary>
public static class FeatureModel
{
    private const int Told = 5;

    /// <summary>The model as one that gives features.</summary>
    /// <exception cref="UserErrorException">It is none.</exception>
    public static IGivesFeatures Of(VisionModel model) =>
        model as IGivesFeatures
        ?? throw new UserErrorException(
            $"{model.GetName()} gives no features: only a model with one vector an image before its last layer does (ImageClassifier, "
                + $"ImageRegressor)."
        );

    /// <summary>Fills every tensor that features depend on; the head stays as it is.</summary>
    /// <param name="path">A checkpoint of Tessera's, or published weights.</param>
    /// <param name="options">How published weights are read, and which of several weights are taken.</param>
    /// <exception cref="UserErrorException">The file lacks a tensor, or has one of another shape.</exception>
    public static void Load(VisionModel model, string path, PretrainedOptions options, DataInfo data)
    {
        var head = Of(model).HeadName;
        var target = model.state_dict().Where(pair => !FeatureHashes.IsOfHead(pair.Key, head)).ToDictionary();
        if (Checkpoint.IsCheckpoint(path))
            LoadOwn(target, path, options.Weights == WeightChoice.Averaged);
        else
            LoadForeign(model, target, path, options, data);
    }

    /// <summary>The hash of the weights that features depend on.</summary>
    public static string HashOf(VisionModel model)
    {
        var state = model.state_dict();
        return FeatureHashes.OfWeights(state.Keys, name => state[name].detach(), Of(model).HeadName);
    }

    private static void LoadOwn(Dictionary<string, Tensor> target, string path, bool averaged)
    {
        using var checkpoint = Checkpoint.Open(path);
        var names = checkpoint.ModelNames(averaged);
        Require(
            path,
            target.Keys.Where(name =>
                !names.TryGetValue(name, out var full) || !checkpoint.Tensors[full].Shape.SequenceEqual(target[name].shape)
            )
        );
        using var nothing = no_grad();
        foreach (var (name, tensor) in target)
        {
            using var stored = checkpoint.Read(names[name]);
            tensor.copy_(stored);
        }
    }

    private static void LoadForeign(
        VisionModel model,
        Dictionary<string, Tensor> target,
        string path,
        PretrainedOptions options,
        DataInfo data
    )
    {
        using var scope = NewDisposeScope();
        using var nothing = no_grad();
        var parameters = model.named_parameters().Select(parameter => parameter.name).Where(target.ContainsKey).ToArray();
        foreach (var name in parameters)
            target[name].copy_(full_like(target[name], double.NaN)); // what the file doesn't fill stays so
        new PretrainedInitializer(options with { Checkpoint = path }).Initialize(model, new InitContext(data));
        Require(path, parameters.Where(name => !target[name].isfinite().all().ToBoolean()));
    }

    private static void Require(string path, IEnumerable<string> lacking)
    {
        var names = lacking.ToArray();
        if (names.Length > 0)
            throw new UserErrorException(
                $"{path} doesn't fill the model: it has no {string.Join(", ", names.Take(Told))}"
                    + (names.Length > Told ? $" and {names.Length - Told} more" : "")
                    + " of that shape. Features of random weights would say nothing. Is it a checkpoint of this config's model?"
            );
    }
}
