using Tessera.Framework.Data;
using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>How a loss takes the probabilities of classes from logits.</summary>
public enum ClassActivation
{
    /// <summary>In another way, or there are no classes.</summary>
    Other,

    /// <summary>Over all classes, of which one is true.</summary>
    Softmax,

    /// <summary>For each class by itself.</summary>
    Sigmoid,
}

/// <summary>A value near which a loss stays where something is wrong with the supervision.</summary>
/// <param name="Value">Of the term, its weight applied; above 0.</param>
/// <param name="Meaning">What it says of the model, and what to do: sentences for a log.</param>
public sealed record TellingLoss(double Value, string Meaning);

/// <summary>Whether a model's losses read the data as it is meant.</summary>
public static class Supervision
{
    /// <summary>Losses with a softmax for data in which an image may have several classes, or none.</summary>
    /// <param name="model">Its <see cref="Loss"/> modules are looked at.</param>
    /// <returns>A text for each.</returns>
    public static IEnumerable<string> Mismatches(nn.Module model, DataInfo data) =>
        data.Task != DataTask.MultiLabel
            ? []
            : model
                .named_modules()
                .Where(entry => entry.module is Loss { Activation: ClassActivation.Softmax })
                .Select(entry =>
                    $"{entry.name} ({entry.module.GetName()}) compares classes by a softmax, as if each image had exactly one, but the "
                    + "data is multi-label: an image may have several, or none, and its scores are read by a sigmoid. Take a loss "
                    + "that asks each class on its own: BinaryCrossEntropyLoss, AsymmetricLoss, or FocalLoss with "
                    + "\"use_sigmoid\": true."
                );

    /// <summary>What the losses noticed in what they were given; see <see cref="Loss.Suspicion"/>.</summary>
    public static IEnumerable<string> Suspicions(nn.Module model) =>
        model
            .named_modules()
            .Where(entry => entry.module is Loss { Suspicion: not null })
            .Select(entry => $"{entry.name} ({entry.module.GetName()}): {((Loss)entry.module).Suspicion}");
}
