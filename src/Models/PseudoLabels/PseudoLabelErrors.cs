using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Models.PseudoLabels;

/// <summary>The words of what can be wrong with pseudo labels.</summary>
internal static class PseudoLabelErrors
{
    public static UserErrorException NotExplainable(VisionModel model) =>
        new($"{model.GetName()} can't be asked where its classes are: it does not say what it decides by (IExplainable).");

    public static UserErrorException NoMapsOfItsOwn(VisionModel model) =>
        new($"{model.GetName()} has no class maps of its own (IGivesClassMaps). Take a method that explains any model: \"grad_cam\".");

    public static UserErrorException NoLinearClassifier(VisionModel model) =>
        new(
            $"patch_similarity projects patches on a linear classifier's directions, and {model.GetName()} has none: a weight [classes, "
                + "features] was expected among its class tensors. Take \"grad_cam\", which explains any model."
        );

    public static UserErrorException NoFeatures(VisionModel model, long? width) =>
        new(
            $"{model.GetName()} has no layer before its classifier that gives features of places of the image"
                + (width is { } wanted ? $" with the {wanted} channels that the classifier takes" : "")
                + ": [B, C, H, W] with more than one place, or tokens [B, N, C] that lie on a grid, were expected."
        );

    public static UserErrorException NoAttention(VisionModel model) =>
        new(
            $"{model.GetName()} has no attention among all patches of an image that could say which belong together. Take the affinity of "
                + "features."
        );

    public static UserErrorException TooManyPlaces(long height, long width) =>
        new(
            $"The affinity of {height} x {width} = {height * width} places would be a matrix of {height * width} x {height * width}; "
                + $"at most {PatchAffinity.MostPlaces} places are compared. Take smaller scales, or smaller images."
        );

    public static UserErrorException UnknownSource(string name, IReadOnlyCollection<string> known) =>
        new($"No source of class maps is named \"{name}\".{NearestName.Suggest(name, known)} For this model: {string.Join(", ", known)}.");

    public static UserErrorException NotOfAClass(string name, string title) =>
        new(
            $"The source \"{name}\" ({title}) does not depend on the class, so that it gives all classes of an image one map. Take one "
                + "that does: \"grad_cam\"."
        );

    public static UserErrorException TooManyClasses(int classes) =>
        new($"{classes} classes and the background don't fit into 8-bit labels, whose 255 is ignored: at most 254 classes were expected.");

    public static UserErrorException OtherTruth(Image truth, int pixels) =>
        new(
            $"The exact map has {truth.Height} x {truth.Width} pixels of {truth.Type}; {pixels} of {nameof(PixelType.UInt8)} were "
                + "expected, as many as the image has."
        );
}
