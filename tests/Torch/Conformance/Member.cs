using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Tessera.Tests.Torch.Conformance;

/// <summary>
/// Members of TorchSharp as the suite writes them: "torch::cat", "Tensor::get_shape", "nn.functional::conv2d",
/// "Modules.Linear::get_weight",
/// "nn.Module`2::.ctor". Overloads and generic arguments are left out.
/// </summary>
internal static class Member
{
    /// <summary>What an instruction names of TorchSharp; null where it names nothing of it. The values of an enumeration don't
    /// count.</summary>
    public static string? Of(Instruction instruction) =>
        instruction.Operand switch
        {
            MethodReference method when IsTorchSharp(method.DeclaringType) => Name(method.DeclaringType, method.Name),
            FieldReference field when IsTorchSharp(field.DeclaringType) => Name(field.DeclaringType, field.Name),
            _ => null,
        };

    /// <param name="type">Full name; nested types after a point.</param>
    public static string Name(string type, string member)
    {
        if (type.StartsWith("TorchSharp.", StringComparison.Ordinal))
            type = type["TorchSharp.".Length..];
        if (type.StartsWith("torch.", StringComparison.Ordinal))
            type = type["torch.".Length..];
        return $"{type}::{member}";
    }

    private static string Name(TypeReference type, string member) => Name(type.GetElementType().FullName.Replace('/', '.'), member);

    private static bool IsTorchSharp(TypeReference type) => type.GetElementType().Scope.Name == "TorchSharp";
}
