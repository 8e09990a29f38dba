using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>Derivatives with respect to chosen tensors; no parameter's <c>grad</c> is touched.</summary>
public static class Derivatives
{
    /// <summary>The derivatives of a number with respect to tensors of its graph.</summary>
    /// <param name="number">One element, with a graph.</param>
    /// <param name="inputs">Tensors that require gradients.</param>
    /// <param name="createGraph">The derivatives can be differentiated again. The graph then stays.</param>
    /// <param name="retainGraph">The graph stays for further calls.</param>
    /// <returns>For each input a tensor of its shape, owned by the caller's dispose scope; null where the number doesn't depend on
    /// it.</returns>
    /// <exception cref="ArgumentException">A number or an input that can't be differentiated.</exception>
    public static Tensor?[] Of(Tensor number, IReadOnlyList<Tensor> inputs, bool createGraph = false, bool retainGraph = false)
    {
        // libtorch's own errors here end the process.
        if (number.numel() != 1 || !number.requires_grad)
            throw new ArgumentException("One number with a graph was expected.", nameof(number));
        if (inputs.FirstOrDefault(input => !input.requires_grad) is { } plain)
            throw new ArgumentException(
                $"A tensor of shape [{string.Join(", ", plain.shape)}] that requires no gradient can't be differentiated by.",
                nameof(inputs)
            );
        if (inputs.Count == 0)
            return [];
        var found = Grad(number, inputs, createGraph, retainGraph);
        return [.. found.Select(gradient => gradient.IsInvalid ? null : gradient)];
    }

    /// <summary>The derivatives of a number with respect to tensors of its graph, by the number's derivative with respect to a tensor. The
    /// graph is gone then.</summary>
    /// <param name="output">A tensor with a graph.</param>
    /// <param name="given">The number's derivative with respect to it, of its shape and type.</param>
    /// <param name="inputs">Tensors that require gradients.</param>
    /// <returns>As <see cref="Of"/>.</returns>
    /// <exception cref="ArgumentException">The output has no graph, or a derivative of another shape was given.</exception>
    internal static Tensor?[] Through(Tensor output, Tensor given, IReadOnlyList<Tensor> inputs)
    {
        if (!output.requires_grad || !output.shape.SequenceEqual(given.shape))
            throw new ArgumentException("A tensor with a graph and a derivative of its shape were expected.", nameof(output));
#pragma warning disable RS0030 // What would end the process was looked at before.
        var found = autograd.grad([output], [.. inputs], [given], false, false, allow_unused: true);
#pragma warning restore RS0030
        return [.. found.Select(gradient => gradient.IsInvalid ? null : gradient)];
    }

#pragma warning disable RS0030 // What would end the process was looked at before.
    private static IList<Tensor> Grad(Tensor number, IReadOnlyList<Tensor> inputs, bool createGraph, bool retainGraph) =>
        autograd.grad([number], [.. inputs], null, createGraph || retainGraph, createGraph, allow_unused: true);
#pragma warning restore RS0030
}
