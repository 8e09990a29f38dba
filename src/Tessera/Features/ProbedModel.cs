using Tessera.Framework.Checkpoints;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using static TorchSharp.torch;

namespace Tessera.Features;

/// <summary>Puts a head that was trained on features back onto the network that made them.</summary>
public static class ProbedModel
{
    /// <summary>Writes a checkpoint of the whole model, as a training run would: config, weights, class names.</summary>
    /// <param name="file">The features that the head was trained on.</param>
    /// <param name="checkpoint">The weights that they were made with.</param>
    /// <param name="weights">How the file of weights is read.</param>
    /// <param name="head">[classes, D] and [classes].</param>
    /// <param name="metrics">What was measured of it.</param>
    /// <param name="output">The checkpoint, a name that ends in .safetensors.</param>
    /// <param name="plugins">Plugins that the model needs.</param>
    /// <exception cref="UserErrorException">They are other weights, or the model has no single last layer with a bias.</exception>
    public static void Write(
        FeatureFile file,
        string checkpoint,
        PretrainedOptions weights,
        (Tensor Weight, Tensor Bias) head,
        IReadOnlyDictionary<string, double> metrics,
        string output,
        IReadOnlyList<string>? plugins = null
    )
    {
        if (Path.GetExtension(output) != ".safetensors")
            throw new UserErrorException($"\"{output}\": a name that ends in .safetensors was expected for a checkpoint.");
        var info = new CheckpointInfo
        {
            Config = ConfigDocument.ReadSaved(file.Info.Config, $"config in {file.Path}"),
            Data = new DataInfo(file.Info.Classes, file.Info.Task),
            Epoch = 0,
            Iteration = 0,
            Metrics = metrics,
            Source = $"{Path.GetFileName(checkpoint)} (SHA-256 {FeatureHashes.OfFile(checkpoint)})",
        };
        using var session = Session.OfRun(info, file.Path, new SessionOptions { Device = "cpu", Plugins = plugins ?? [] });
        using var model = session.CreateModel(info.Data);
        FeatureModel.Load(model, checkpoint, weights, info.Data);
        if (FeatureModel.HashOf(model) != file.Info.WeightsHash)
            throw new UserErrorException(
                $"{file.Path} was made with other weights than those of {checkpoint} ({file.Info.Checkpoint} is what it names)."
            );
        using var nothing = no_grad();
        var tensors = model.state_dict();
        var layer = FeatureModel.Of(model).LastLayer;
        if (layer is null || !tensors.TryGetValue($"{layer}.weight", out var weight) || !tensors.TryGetValue($"{layer}.bias", out var bias))
            throw new UserErrorException(
                $"{model.GetName()} has no linear last layer with a bias to put the head into (LinearHead has one)."
            );
        weight.copy_(head.Weight);
        bias.copy_(head.Bias);
        var state = new StateWriter();
        foreach (var (name, tensor) in tensors)
            state.Under(CheckpointParts.Model).Write(name, tensor);
        var folder = Path.GetDirectoryName(Path.GetFullPath(output))!;
        new CheckpointStore(folder).SaveApart(Path.GetFileNameWithoutExtension(output), state, info);
    }
}
