using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation;

/// <summary>The words of what can be wrong with an explanation.</summary>
internal static class ExplanationErrors
{
    public static UserErrorException NotExplainable(VisionModel model) =>
        new($"{model.GetName()} can't be explained: it does not say what it decides by (IExplainable).");

    public static UserErrorException NoLayer(VisionModel model, string name) =>
        new(
            $"{model.GetName()} has no layer \"{name}\" whose output could be opened."
                + NearestName.Suggest(name, model.TapNames().Where(known => known.Length > 0))
        );

    public static UserErrorException ZeroGradient(string layer) =>
        new(
            $"The layer \"{layer}\" can't explain: the score does not change with any place of its map (all gradients are zero). "
                + "Behind the last attention of a transformer with a class token, patches no longer reach the score: take the norm before "
                + "it, or \"auto\".",
            new ZeroGradientException()
        );

    public static UserErrorException ScoreIgnoresLayer(string layer) =>
        new($"The layer \"{layer}\" can't explain: the score does not depend on what it gives.");

    public static UserErrorException GivesNoMap(string layer) =>
        new(
            $"The layer \"{layer}\" can't explain: it gives no map of the image ([B, C, H, W], or tokens [B, N, C] that lie on a grid), "
                + "or does not run when images go through the model."
        );

    public static UserErrorException NotAMap(string layer, IReadOnlyList<long> shape) =>
        new(
            $"The layer \"{layer}\" gives [{string.Join(", ", shape)}], which is no map of the image: [B, C, H, W] with more "
                + "than one place, or tokens [B, N, C] that lie on a grid, were expected."
        );

    public static UserErrorException OtherSize(MapLayer layer, Tensor images) =>
        new(
            $"The layer \"{layer.Name}\" was found with images of {layer.Image.Height} x {layer.Image.Width} pixels; these are of "
                + $"{images.shape[2]} x {images.shape[3]}, over which its tokens lie otherwise. Find the layer again for this size."
        );

    public static UserErrorException NoClass(int index, IReadOnlyList<long> scores) =>
        new(
            scores.Count == 2
                ? $"There is no class {index} to explain: the model gives {scores[1]} scores, counted from 0."
                : $"A class's score can't be read from what the model gives, [{string.Join(", ", scores)}]: [images, classes] was expected."
        );

    public static UserErrorException NotPooledLinear(ExplainedRun run) =>
        new(
            $"CAM can't explain {run.Model.GetName()} at \"{run.Layer.Name}\": the score must be the layer's map, "
                + "pooled by its mean or maximum, times one linear layer's weights of the class. Take \"grad_cam\", which is the same for "
                + "such networks and serves for others."
        );

    public static UserErrorException TooManyPlaces(string method, ExplainedRun run, long most) =>
        new(
            $"{method} compares all places with each other and takes at most {most} of them; \"{run.Layer.Name}\" has "
                + $"{run.Activation.shape[2]} x {run.Activation.shape[3]}. Take a later layer, a smaller image, or \"eigen_cam\"."
        );

    public static UserErrorException NoMethod(string name, IReadOnlyList<string> known) =>
        new(
            $"No method of activation maps is named \"{name}\".{NearestName.Suggest(name, known)} "
                + $"Known methods: {string.Join(", ", known)}."
        );

    public static UserErrorException NoMap(VisionModel model) =>
        new(
            $"{model.GetName()} has no layer that could explain its scores: none gives a map of the image with more than one place and a "
                + "gradient that isn't zero."
        );

    public static UserErrorException NoGradient(VisionModel model, ScoreTarget target) =>
        new(
            $"The score of {target.NameOf(0)} does not change with any place of the image (all gradients are zero in {model.GetName()}), "
                + "so that nothing says where it comes from.",
            new ZeroGradientException()
        );

    public static UserErrorException NoClass(string name, IReadOnlyList<string> known, string kind) =>
        new($"The model has no {kind} \"{name}\".{NearestName.Suggest(name, known)} It knows {known.Count}: " + $"{Listed(known)}.");

    public static UserErrorException NoLabels(string sample) =>
        new(
            $"\"{sample}\" has no labels that could be explained. Take an image of a data set that has them, or name a class, or \"top1\"."
        );

    public static UserErrorException NoPixel(string name, IReadOnlyList<string> present) =>
        new($"The model gives no pixel of the image to \"{name}\": there is {Listed(present)}. Name one of these, or a region.");

    public static UserErrorException NoPixels(VisionModel model) =>
        new($"{model.GetName()} gives no logits of pixels: a segmentor was expected.");

    public static UserErrorException LocatesNothing(VisionModel model) =>
        new($"{model.GetName()} does not say which place found an object (ILocatesObjects): its objects can't be explained.");

    public static UserErrorException NoObject(int rank, int found) =>
        new(
            found == 0
                ? "The detector finds no object in the image: there is nothing to explain. A lower test.score_thr lets weaker ones through."
                : $"There is no object {rank}: the detector finds {found} in the image, numbered from 1."
        );

    public static UserErrorException NoObjectOf(string name, IReadOnlyList<string> found) =>
        new(
            $"The detector finds no \"{name}\" in the image"
                + (found.Count == 0 ? ", nor anything else." : $", only {Listed(found)}.")
                + " A lower test.score_thr lets weaker objects through."
        );

    private static string Listed(IReadOnlyList<string> names) =>
        string.Join(", ", names.Take(10)) + (names.Count > 10 ? $" and {names.Count - 10} more" : "");
}
