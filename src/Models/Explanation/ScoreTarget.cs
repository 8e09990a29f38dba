using static TorchSharp.torch;

namespace Tessera.Models.Explanation;

/// <summary>What is explained: one number for each image, made of the model's outputs.</summary>
public abstract class ScoreTarget
{
    /// <summary>The numbers, with the outputs' graph.</summary>
    /// <param name="outputs">As <see cref="Framework.Models.IExplainable.Outputs"/> gives them; R rows.</param>
    /// <param name="owners">[R]: which image of the batch each row is a version of.</param>
    /// <returns>[R].</returns>
    public abstract Tensor Of(Tensor[] outputs, IReadOnlyList<int> owners);

    /// <summary>What it is, for people: a class's name, "dog 0.93 at (10, 20, 90, 120)".</summary>
    /// <param name="image">Its place in the batch.</param>
    public abstract string NameOf(int image);

    /// <summary>The only layer at which it can be explained, where there is but one; null: <see cref="MapLayers.Find"/> looks for
    /// it.</summary>
    public virtual MapLayer? Layer => null;

    /// <summary>The same of the images mirrored left to right.</summary>
    public virtual ScoreTarget Mirrored() => this;
}

/// <summary>A class's logit, or a regression's value, of each image.</summary>
/// <param name="classes">Of each image: index of its class or value.</param>
/// <param name="names">Of all classes or values.</param>
public sealed class ClassTarget(IReadOnlyList<int> classes, IReadOnlyList<string> names) : ScoreTarget
{
    /// <summary>Of each image.</summary>
    public IReadOnlyList<int> Classes => classes;

    /// <param name="outputs">The first: [R, classes].</param>
    /// <exception cref="UserErrorException">The model has no such class, or gives something else.</exception>
    public override Tensor Of(Tensor[] outputs, IReadOnlyList<int> owners)
    {
        var shape = outputs[0].shape;
        foreach (var index in owners.Select(owner => classes[owner]))
            if (shape.Length != 2 || index < 0 || index >= shape[1])
                throw ExplanationErrors.NoClass(index, shape);
        var chosen = tensor(owners.Select(owner => (long)classes[owner]).ToArray(), device: outputs[0].device);
        return outputs[0].gather(1, chosen.unsqueeze(1)).squeeze(1);
    }

    public override string NameOf(int image) => names[classes[image]];
}
