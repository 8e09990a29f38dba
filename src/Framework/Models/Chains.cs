using Tessera.Framework.Data;
using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>A step of a network that is a chain: each takes one tensor and gives one.</summary>
/// <param name="Name">For people: "blocks.3".</param>
/// <param name="Parts">Names of its parameters and modules, in the module that gives the chain.</param>
/// <param name="Run">From the images, or what the step before gave, to what the next one takes.</param>
public sealed record ChainStep(string Name, IReadOnlyList<string> Parts, Func<Tensor, Tensor> Run)
{
    /// <summary>Whether a tensor of the state dict is of this step.</summary>
    public bool Holds(string key) =>
        Parts.Any(part => key.StartsWith(part, StringComparison.Ordinal) && (key.Length == part.Length || key[part.Length] == '.'));
}

/// <summary>A backbone whose forward is a chain of stem, blocks and what follows them, so that it can be cut between any two.</summary>
public interface IChainedBackbone
{
    /// <summary>The steps from the images to the last map; one after another they give what <c>forward</c> gives last.</summary>
    /// <param name="height">Of the images, in pixels.</param>
    /// <param name="width">Of the images, in pixels.</param>
    /// <exception cref="UserErrorException">Its options make it something else than a chain.</exception>
    IReadOnlyList<ChainStep> Chain(int height, int width);
}

/// <summary>A task model that is a chain to its end, so that a pipeline can cut it into stages.</summary>
public interface IChainedModel
{
    /// <summary>The steps from the images to what <see cref="Losses"/> takes.</summary>
    /// <param name="height">Of the images, in pixels.</param>
    /// <param name="width">Of the images, in pixels.</param>
    /// <exception cref="UserErrorException">A part of it is something else than a chain.</exception>
    IReadOnlyList<ChainStep> Chain(int height, int width);

    /// <summary>The losses, as <see cref="VisionModel.Loss"/> gives them.</summary>
    /// <param name="output">What the last step gave.</param>
    LossMap Losses(Tensor output, Batch batch, Progress progress);
}
