using System.ComponentModel.DataAnnotations;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Methods;

namespace Tessera.Explaining;

/// <summary>What is to be explained, and how.</summary>
public sealed record ExplanationRequest
{
    /// <summary>Each gives a map of its own.</summary>
    public IReadOnlyList<ActivationMethod> Methods { get; init; } = [new GradCam()];

    /// <summary>What is explained of each image, see docs/explain.md: "top1", "labels", a class's name … Empty: the best class; all values
    /// of a regression.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <summary>Where the model is opened, by names of its modules; of several the mean is taken. Empty: the layer is found.</summary>
    public IReadOnlyList<string> Layers { get; init; } = [];

    /// <summary>The mean of six maps: the image as it is and mirrored, its values times 0.9, 1 and 1.1.</summary>
    public bool AugSmooth { get; init; }

    /// <summary>The first principal component of the channels' contributions in place of their sum.</summary>
    public bool EigenSmooth { get; init; }

    /// <summary>Maps that are computed at once.</summary>
    [Range(1, 1024)]
    public int BatchSize { get; init; } = 8;
}
