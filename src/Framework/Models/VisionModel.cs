using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Models.Peft;
using Tessera.Framework.Optimization;
using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>Where a run stands. Handed to every loss, so that a term can warm up or ramp.</summary>
/// <param name="Iteration">Optimizer steps done, from 0.</param>
/// <param name="TotalIterations">Optimizer steps of the whole run.</param>
/// <param name="Epoch">From 0.</param>
/// <param name="TotalEpochs">Of the whole run (rounded up where the run counts iterations).</param>
public readonly record struct Progress(long Iteration, long TotalIterations, int Epoch, int TotalEpochs)
{
    /// <summary>In [0, 1].</summary>
    public double Fraction => TotalIterations == 0 ? 0 : (double)Iteration / TotalIterations;
}

/// <summary>Losses by name, each a scalar tensor with a gradient, already weighted; the step minimises their sum. Order is kept.</summary>
public sealed class LossMap : Dictionary<string, Tensor>
{
    /// <summary>The sum of all terms.</summary>
    /// <exception cref="InvalidOperationException">There is no term.</exception>
    public Tensor Total()
    {
        Tensor? total = null;
        foreach (var term in Values)
            total = total is null ? term : total + term;
        return total ?? throw new InvalidOperationException("The model gave no loss.");
    }
}

/// <summary>What a model predicts for one image, in plain arrays. Each task has its own record.</summary>
public abstract record Prediction
{
    /// <summary>False where the network's output was NaN or infinite, so that nothing is predicted, whatever the other values
    /// say.</summary>
    public bool OutputIsFinite { get; init; } = true;
}

/// <param name="Scores">[classes], probabilities: summing to 1 for single labels, each on its own for multi-label.</param>
/// <param name="Label">The most probable class.</param>
public sealed record ClassPrediction(float[] Scores, int Label) : Prediction
{
    /// <summary>The parts of the image that a fine-grained model looked at, the most telling first: [N * 4], x1, y1, x2, y2 in pixels of
    /// the original image. null where the model looks at the whole image alone. Files of predictions don't keep them.</summary>
    public float[]? Parts { get; init; }
}

/// <param name="Values">[targets].</param>
public sealed record RegressionPrediction(float[] Values) : Prediction;

/// <summary>A number that a generative model gives an image: how real it looks, how well its noise is told.</summary>
/// <param name="Name">What it is.</param>
public sealed record ScorePrediction(string Name, double Value) : Prediction;

/// <param name="Map">The class of every pixel of the original image: H x W x 1, <see cref="PixelType.UInt8"/> or, above 255 classes,
/// UInt16.</param>
public sealed record SegmentationPrediction(Image Map) : Prediction;

/// <param name="Map">The segment of every pixel of the original image; of stuff, one segment a class.</param>
public sealed record PanopticPrediction(PanopticMap Map) : Prediction;

/// <summary>Objects found in one image, best first.</summary>
/// <param name="Corners">[N * 4], x1, y1, x2, y2 in pixels of the original image.</param>
/// <param name="Scores">[N], in [0, 1], falling.</param>
/// <param name="Labels">[N], indices into the class names.</param>
public sealed record DetectionPrediction(float[] Corners, float[] Scores, int[] Labels) : Prediction
{
    /// <summary>The same as a file of results has them, which metrics then go by: [N * 4], x, y, width, height, and [N] scores.</summary>
    public (double[] Boxes, double[] Scores)? Stated { get; init; }

    /// <summary>One mask per box, in the original image's size; null where the model finds none (a detector of boxes).</summary>
    public IReadOnlyList<RunLengthMask>? Masks { get; init; }

    /// <summary>Some of the boxes, in this order.</summary>
    /// <param name="indices">Which, from 0.</param>
    public DetectionPrediction Chosen(IReadOnlyList<int> indices) =>
        this with
        {
            Corners = [.. indices.SelectMany(i => new ArraySegment<float>(Corners, 4 * i, 4))],
            Scores = [.. indices.Select(i => Scores[i])],
            Labels = [.. indices.Select(i => Labels[i])],
            Stated = Stated is var (boxes, scores)
                ? ([.. indices.SelectMany(i => new ArraySegment<double>(boxes, 4 * i, 4))], [.. indices.Select(i => scores[i])])
                : null,
            Masks = Masks is { } masks ? [.. indices.Select(i => masks[i])] : null,
        };
}

/// <summary>
/// A whole model for one task: a batch to losses, a batch to predictions. Children run through <c>call</c>, never
/// <c>forward</c>, so that any of them can be tapped by name from outside.
/// </summary>
[ComponentKind("model")]
public abstract class VisionModel(string name) : nn.Module(name)
{
    /// <summary>The tasks that the model is for (<see cref="ForTaskAttribute"/>), the usual one first; empty where it doesn't
    /// say.</summary>
    public IReadOnlyList<DataTask> Tasks => ForTaskAttribute.Of(GetType());

    /// <summary>Losses of a batch on the model's device.</summary>
    public abstract LossMap Loss(Batch batch, Progress progress);

    /// <summary>One prediction per sample. The caller has set eval mode and switched gradients off.</summary>
    public abstract IReadOnlyList<Prediction> Predict(Batch batch);

    /// <summary>Whether several threads may call <see cref="Predict"/> at once, each with images of its own: it changes nothing in the
    /// model, and no image's prediction depends on others.</summary>
    public virtual bool PredictsSideBySide => false;

    /// <summary>Where the whole model's first weights come from; random, or as its backbone says, where unset.</summary>
    [FromConfig]
    public Initializer? Init { get; set; }

    /// <summary>Ways to adapt the backbone by few parameters, by names of one's own choosing: its weights are frozen then.</summary>
    [FromConfig]
    public IReadOnlyDictionary<string, PeftMethod>? Peft { get; set; }

    /// <summary>What <see cref="Peft"/> made of the model; null where there is none, or it wasn't attached
    /// (<see cref="Adaptation.Attach"/>).</summary>
    public Adaptation? Adaptation { get; internal set; }

    /// <summary>Ways to read (and publish) weights of the whole model in another project's names, classifier included.</summary>
    public virtual IReadOnlyDictionary<string, KeyMap> KeyMaps => new Dictionary<string, KeyMap>();

    /// <summary>
    /// The tensors that have rows for classes (or for the targets of a regression), in any order; those alone are matched by
    /// class name, or left out where a file has other classes. Empty where no tensor has such rows.
    /// </summary>
    public abstract IReadOnlyCollection<ClassTensor> ClassTensors { get; }

    /// <summary>A stored tensor made to fit the model, as <see cref="Backbone.Fit"/>. Loaders call it for every key, after the key
    /// map.</summary>
    /// <param name="key">The model's key.</param>
    public virtual Tensor Fit(string key, Tensor stored) => stored;

    /// <summary>How many objects (<see cref="Dataset.ObjectsOf"/>) an image may have in training, and the option that says so; null where
    /// there may be any number.</summary>
    public virtual (int Count, string Option)? MostObjects => null;

    /// <summary>The optimizers that <see cref="TrainStep"/> steps, by name; empty: one alone, whatever its name.</summary>
    public virtual IReadOnlyList<string> OptimizerNames => [];

    /// <summary>
    /// One training step: by default Loss, then Step. A model with two optimizers (a GAN) overrides it and <see
    /// cref="OptimizerNames"/>. Called once per batch; with gradient accumulation the optimizers step only when due.
    /// </summary>
    /// <returns>The losses, for the log; owned by the caller's dispose scope.</returns>
    public virtual LossMap TrainStep(Batch batch, OptimizerSet optimizers, Progress progress)
    {
        LossMap? losses = null;
        optimizers.Single.Step(() =>
        {
            LossMap evaluated;
            using (optimizers.Autocast())
                evaluated = Loss(batch, progress);
            optimizers.AddPenalties(evaluated);
            losses ??= evaluated;
            return evaluated.Total();
        });
        return losses!;
    }
}
